"""The vocabulary: byte-level BPE of spoken English, then Whisper's special tokens with all its timestamps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXT_TOKENS = 512
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
class Place:
    """Where in the speech a token is: in which word, from which to which part of it (0..1)."""

    word: int
    start: float
    end: float


@dataclass(frozen=True)
class Target:
    """What the decoder reads and what it must say, position by position, and the place of each label if it has one."""

    inputs: tuple[int, ...]
    labels: tuple[int, ...]
    places: tuple[Place | None, ...]


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
        content = self._content(segments, timestamps=timestamps)
        lead = self._lead(content, timestamps=timestamps)
        ids = [token for token, _ in content]
        return Target(
            inputs=(self.start, lead, *ids),
            labels=(lead if segments else self.no_speech, *ids, self.end),
            places=(None, *(place for _, place in content), None),
        )

    def _lead(self, content: list[tuple[int, Place | None]], *, timestamps: bool) -> int:
        """The token after the start: the first timestamp, taken off the content, or that there are none."""
        if not timestamps:
            return self.no_timestamps
        return content.pop(0)[0] if content else self.stamp(0)

    def _content(self, segments: Sequence[Segment], *, timestamps: bool) -> list[tuple[int, Place | None]]:
        found: list[tuple[int, Place | None]] = []
        index = 0
        for segment in segments:
            if timestamps:
                found.append((self.stamp(segment.start_s), None))
            for word in segment.words:
                found += self._pieces(word, index)
                index += 1
            if timestamps:
                found.append((self.stamp(segment.end_s), None))
        return found

    def _pieces(self, word: str, index: int) -> list[tuple[int, Place | None]]:
        """The tokens of a word; each is taken to last as long as it has letters."""
        encoded = self.tokenizer.encode(" " + word, add_special_tokens=False)
        ends = [end for _, end in encoded.offsets]
        starts = [0, *ends[:-1]]
        whole = max(1, ends[-1])
        spans = zip(encoded.ids, starts, ends, strict=True)
        return [(token, Place(index, start / whole, end / whole)) for token, start, end in spans]

    def _id(self, token: str) -> int:
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)
