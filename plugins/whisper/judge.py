"""Was that speech? Each sign alone is weak; their doubts add up."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Doubt:
    """How much a sign counts: nothing up to `from_`, growing to `weight` at `to`."""

    from_: float
    to: float
    weight: float

    def of(self, value: float) -> float:
        """The doubt that a value raises."""
        share = (value - self.from_) / (self.to - self.from_)
        return self.weight * min(1.0, max(0.0, share))


@dataclass(frozen=True)
class Thresholds:
    """Doubts of 1.0 in sum make it not speech."""

    no_speech: Doubt = Doubt(0.3, 0.7, 0.95)
    """The model's own probability that nobody speaks."""
    surprise: Doubt = Doubt(0.2, 1.6, 0.9)
    """Mean negative log-probability of the tokens: the model did not believe what it wrote."""
    repetition: Doubt = Doubt(1.9, 2.8, 1.0)
    """How well the text compresses: texts that say the same again and again do."""
    haste: Doubt = Doubt(13.0, 24.0, 1.0)
    """Tokens per second: nobody speaks that fast."""
    loop: Doubt = Doubt(0.2, 0.8, 0.7)
    """Share of the tokens that only went round in a loop."""


@dataclass(frozen=True)
class Evidence:
    """What a decode tells about itself. `text` is without a loop at its end, `tokens` counts it."""

    text: str
    no_speech: float
    mean_logprob: float
    tokens: int
    audio_s: float
    looping_tokens: int = 0

    @property
    def compression_ratio(self) -> float:
        """Length of the text over its compressed length; below about 1.5 for ordinary text."""
        encoded = self.text.encode()
        return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Speed of the text."""
        return self.tokens / max(self.audio_s, 0.1)

    @property
    def looping_share(self) -> float:
        """How much of the decode was a loop."""
        return self.looping_tokens / max(self.tokens, 1)


@dataclass(frozen=True)
class Verdict:
    """The decision, and how sure the text is, 0..1."""

    is_speech: bool
    doubt: float
    confidence: float


def judge(evidence: Evidence, thresholds: Thresholds = Thresholds()) -> Verdict:
    """Decide whether a decode is a transcript of speech. A text without letters or digits never is."""
    has_words = any(character.isalnum() for character in evidence.text)
    doubt = (
        thresholds.no_speech.of(evidence.no_speech)
        + thresholds.surprise.of(-evidence.mean_logprob)
        + thresholds.repetition.of(evidence.compression_ratio)
        + thresholds.haste.of(evidence.tokens_per_s)
        + thresholds.loop.of(evidence.looping_share)
    )
    confidence = min(1.0, math.exp(min(0.0, evidence.mean_logprob)))
    return Verdict(is_speech=has_words and doubt < 1.0, doubt=doubt, confidence=confidence)


def without_loop(ids: Sequence[int], *, longest_period: int = 24) -> list[int]:
    """Cut a text that ends in a loop back to one round of it.

    A loop is a run repeated three times or more that is at least twelve tokens long in all, so that
    "five five five five" stays.
    """
    for period in range(1, min(longest_period, len(ids) // 3) + 1):
        rounds = 1
        while _round(ids, rounds, period) == _round(ids, 0, period) and (rounds + 1) * period <= len(ids):
            rounds += 1
        if rounds >= 3 and rounds * period >= 12:
            return list(ids[: len(ids) - (rounds - 1) * period])
    return list(ids)


def _round(ids: Sequence[int], index: int, period: int) -> Sequence[int]:
    """The `index`-th run of `period` tokens, counted from the end."""
    end = len(ids) - index * period
    return ids[max(0, end - period) : end]
