"""What a synthesizer gives back: audio with the times of its words and phonemes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

SAMPLE_RATE_HZ = 16_000

Audio = NDArray[np.float32]
"""Mono samples at 16 kHz, nominally within -1..1."""


@dataclass(frozen=True)
class Mark:
    """A word or a phoneme, and where in the audio it is heard."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Speech:
    """One sentence, spoken. `words` has one mark for every word of `text`, in order."""

    text: str
    audio: Audio
    words: tuple[Mark, ...]
    phones: tuple[Mark, ...]
    voice: str


class SynthesisFailed(RuntimeError):
    """A synthesizer refused a voice or a text."""


def pcm_to_audio(samples: NDArray[np.int16], *, rate_hz: int) -> Audio:
    """16-bit samples at any rate → floats at 16 kHz."""
    audio = samples.astype(np.float32) / 32768
    if rate_hz == SAMPLE_RATE_HZ:
        return audio
    divisor = int(np.gcd(rate_hz, SAMPLE_RATE_HZ))
    return resample_poly(audio, SAMPLE_RATE_HZ // divisor, rate_hz // divisor).astype(np.float32)


def marks_from_starts(labels: list[str], starts_s: list[float], end_s: float) -> tuple[Mark, ...]:
    """Each mark ends where the next begins, the last at `end_s`."""
    ends_s = [*starts_s[1:], end_s]
    spans = zip(labels, starts_s, ends_s, strict=True)
    return tuple(Mark(label, start, max(start, end)) for label, start, end in spans)
