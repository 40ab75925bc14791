"""Whisper's tokens: prompts in, text and words out."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from plugins.errors import InvalidRequest, ModelCorrupt, ModelMissing

SPECIAL = re.compile(r"<\|.*\|>")
UNSPACED_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})


@dataclass(frozen=True)
class Piece:
    """A word with its marks, and how many tokens it is made of."""

    text: str
    tokens: int


class Tokens:
    """The vocabulary of one model. Raises `ModelMissing` or `ModelCorrupt` naming `tokenizer.json`."""

    def __init__(self, folder: Path, *, is_multilingual: bool) -> None:
        self._tokenizer = _read(folder / "tokenizer.json")
        self._is_multilingual = is_multilingual
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        self._special = {index: token for token, index in vocabulary.items() if SPECIAL.fullmatch(token)}
        self._ids = {token: index for index, token in self._special.items()}
        if missing := {"<|startoftranscript|>", "<|notimestamps|>"} - self._ids.keys():
            raise ModelCorrupt(folder / "tokenizer.json", f"no {' and no '.join(sorted(missing))}")

    def start(self, language: str) -> list[int]:
        """What comes before the text, without the choice about timestamps."""
        start = [self._ids["<|startoftranscript|>"]]
        if not self._is_multilingual:
            return start
        return [*start, self._language_id(language), self._ids["<|transcribe|>"]]

    def prompt(self, language: str) -> list[int]:
        """What decoding begins with: text in this language, no timestamps."""
        return [*self.start(language), self._ids["<|notimestamps|>"]]

    def check_language(self, language: str) -> None:
        """Raises `InvalidRequest` for a language that a multilingual model does not know."""
        if self._is_multilingual:
            self._language_id(language)

    def _language_id(self, language: str) -> int:
        index = self._ids.get(f"<|{language.partition('-')[0].lower()}|>")
        if index is None:
            raise InvalidRequest(f"language: this Whisper does not know {language!r}")
        return index

    def without_special(self, ids: Sequence[int]) -> list[int]:
        """Only the tokens of the text itself."""
        return [index for index in ids if index not in self._special]

    def text(self, ids: Sequence[int]) -> str:
        """Tokens as text, without the space at its start."""
        return " ".join(self._decoded(ids).split())

    def words(self, ids: Sequence[int], *, language: str) -> list[Piece]:
        """Tokens as words: a word begins with a space, or where spaces are not used with every character."""
        pieces: list[Piece] = []
        text, count = "", 0
        for piece in self._characters(ids):
            begins = (
                not text or piece.text[:1].isspace() or (language in UNSPACED_LANGUAGES and not _is_mark(piece.text))
            )
            if begins and text:
                pieces.append(Piece(text.strip(), count))
                text, count = "", 0
            text, count = text + piece.text, count + piece.tokens
        return [*pieces, Piece(text.strip(), count)] if text.strip() else pieces

    def _characters(self, ids: Sequence[int]) -> list[Piece]:
        """The shortest runs of tokens that are whole characters."""
        pieces: list[Piece] = []
        start = 0
        for end in range(1, len(ids) + 1):
            text = self._decoded(ids[start:end])
            if not text.endswith("\N{REPLACEMENT CHARACTER}") or end == len(ids):
                pieces.append(Piece(text, end - start))
                start = end
        return pieces

    def _decoded(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)


def _is_mark(text: str) -> bool:
    return all(unicodedata.category(character)[0] in "PZ" for character in text)


def _read(path: Path) -> Tokenizer:
    """A tokenizer file; its JSON is checked first, since the tokenizers library has no errors of its own."""
    if not path.is_file():
        raise ModelMissing(path)
    try:
        text = path.read_text(encoding="utf-8")
        vocabulary = json.loads(text)["model"]["vocab"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(path, f"{type(error).__name__}: {error}") from error
    if not vocabulary:
        raise ModelCorrupt(path, "its vocabulary is empty")
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # the tokenizers library raises nothing more precise
        raise ModelCorrupt(path, str(error)) from error
