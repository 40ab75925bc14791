"""The vocabulary: byte-level BPE of spoken English, then Whisper's special tokens with all its timestamps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXT_TOKENS = 1024
TIMESTAMP_STEP_S = 0.02
TIMESTAMPS = 1501
SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
SUPPRESSED_BY_WHISPER = (" -", " '", " ♩", " ♪", " ♫", " ♬", " ♭", " ♮", " ♯")
"""faster-whisper forbids the first token of each of these, so that token must not be a bare space."""


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """Learn the vocabulary from sentences as they are spoken."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    lines = [" " + text for text in texts] + list(SUPPRESSED_BY_WHISPER) * 500
    tokenizer.train_from_iterator(lines, trainer)
    stamps = [f"<|{i * TIMESTAMP_STEP_S:.2f}|>" for i in range(TIMESTAMPS)]
    tokenizer.add_special_tokens([*SPECIAL, *stamps])
    return tokenizer


@dataclass(frozen=True)
class Segment:
    """A stretch of speech in a window."""

    start_s: float
    end_s: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """What the decoder reads and what it must say, position by position.

    `word` is the index of the word that the label belongs to, -1 where there is none.
    """

    inputs: tuple[int, ...]
    labels: tuple[int, ...]
    word: tuple[int, ...]


class Codec:
    """Texts ↔ token ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.size: int = tokenizer.get_vocab_size()
        self.end, self.start, self.no_speech, self.no_timestamps = (
            self._id(name) for name in ("<|endoftext|>", "<|startoftranscript|>", "<|nospeech|>", "<|notimestamps|>")
        )
        self._first_stamp = self._id("<|0.00|>")

    @classmethod
    def load(cls, path: Path) -> "Codec":
        """Read a `tokenizer.json`."""
        return cls(Tokenizer.from_file(str(path)))

    @property
    def prompt(self) -> list[int]:
        """What decoding begins with."""
        return [self.start, self.no_timestamps]

    def vocabulary(self) -> list[str]:
        """All tokens in the order of their ids."""
        return sorted(self.tokenizer.get_vocab(), key=self.tokenizer.get_vocab().__getitem__)

    def text(self, ids: Sequence[int]) -> str:
        """The words of a decoded sequence."""
        return str(self.tokenizer.decode([i for i in ids if i < self.end])).strip()

    def stamp(self, seconds: float) -> int:
        """The token for a time in the window."""
        return self._first_stamp + min(TIMESTAMPS - 1, max(0, round(seconds / TIMESTAMP_STEP_S)))

    def target(self, segments: Sequence[Segment], *, timestamps: bool) -> Target:
        """What the decoder learns for these segments; for none, that there is no speech."""
        content, word = self._content(segments, timestamps=timestamps)
        lead = self.no_timestamps if not timestamps else self.stamp(0) if not segments else content.pop(0)
        word = word[len(word) - len(content) :]
        inputs = (self.start, lead, *content)
        labels = (lead if segments else self.no_speech, *content, self.end)
        return Target(inputs, labels, (-1, *word, -1))

    def _content(self, segments: Sequence[Segment], *, timestamps: bool) -> tuple[list[int], list[int]]:
        ids: list[int] = []
        word: list[int] = []
        index = 0
        for segment in segments:
            if timestamps:
                ids.append(self.stamp(segment.start_s))
                word.append(-1)
            for text in segment.words:
                pieces = self.tokenizer.encode(" " + text, add_special_tokens=False).ids
                ids += pieces
                word += [index] * len(pieces)
                index += 1
            if timestamps:
                ids.append(self.stamp(segment.end_s))
                word.append(-1)
        return ids, word

    def _id(self, token: str) -> int:
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)
