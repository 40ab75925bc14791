"""Which stretches of audio are decoded together, and how long the encoder's window is for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plugins.whisper.transcripts import SAMPLE_RATE_HZ, Float

FRAMES_PER_S = 100
QUANTUM_FRAMES = 50
MIN_FRAMES = 100
MAX_FRAMES = 3000
TAIL_S = 0.3
"""Silence that follows the speech in its window: the models expect some."""
LONGEST_S = 30.0 - TAIL_S
SILENT_PEAK = 0.001
"""Nothing above -60 dB of full scale: no decode is spent on it."""
LOOK_BACK_S = 6.0
"""A long utterance is cut at the quietest place of its last seconds before the limit."""


@dataclass(frozen=True)
class Window:
    """A part of an utterance that fits the encoder: which one, from when, and its audio."""

    utterance: int
    start_s: float
    audio: Float

    @property
    def length_s(self) -> float:
        """Seconds of audio in it."""
        return self.audio.size / SAMPLE_RATE_HZ


def cut_windows(audio: Float, *, utterance: int) -> list[Window]:
    """An utterance as windows of at most 30 s, cut where it is quiet. Silent audio gives none."""
    windows: list[Window] = []
    start = 0
    while start < audio.size:
        end = start + _window_samples(audio[start:])
        piece = audio[start:end]
        if np.abs(piece).max(initial=0.0) > SILENT_PEAK:
            windows.append(Window(utterance, start / SAMPLE_RATE_HZ, piece))
        start = end
    return windows


def _window_samples(rest: Float) -> int:
    limit = round(LONGEST_S * SAMPLE_RATE_HZ)
    if rest.size <= limit:
        return rest.size
    look_back = round(LOOK_BACK_S * SAMPLE_RATE_HZ)
    return limit - look_back + quietest(rest[limit - look_back : limit])


def quietest(audio: Float, *, span_s: float = 0.2) -> int:
    """The middle of the quietest `span_s` of some audio, as a sample index."""
    span = round(span_s * SAMPLE_RATE_HZ)
    power = np.cumsum(np.concatenate([[0.0], audio.astype(np.float64) ** 2]))
    return int(np.argmin(power[span:] - power[:-span])) + span // 2


def frames_for(length_s: float) -> int:
    """Frames of the encoder window for speech of this length: a little silence after it, rounded up."""
    wanted = (length_s + TAIL_S) * FRAMES_PER_S
    rounded = -(-round(wanted) // QUANTUM_FRAMES) * QUANTUM_FRAMES
    return min(MAX_FRAMES, max(MIN_FRAMES, rounded))


def group(windows: Sequence[Window], *, max_batch: int, max_waste: float = 0.5) -> list[list[Window]]:
    """Windows to decode in one batch each: none is padded by more than `max_waste` of the longest, beyond a second."""
    groups: list[list[Window]] = []
    for window in sorted(windows, key=lambda window: -window.length_s):
        longest_s = groups[-1][0].length_s if groups else 0.0
        fits = window.length_s + 1.0 >= longest_s * (1.0 - max_waste)
        if groups and fits and len(groups[-1]) < max_batch:
            groups[-1].append(window)
        else:
            groups.append([window])
    return groups


def voiced_span(audio: Float) -> tuple[float, float]:
    """First and last second of audio that is not silence compared with its peak."""
    loud = np.flatnonzero(np.abs(audio) > 0.05 * float(np.abs(audio).max(initial=0.0)))
    if not loud.size:
        return 0.0, audio.size / SAMPLE_RATE_HZ
    return float(loud[0]) / SAMPLE_RATE_HZ, float(loud[-1] + 1) / SAMPLE_RATE_HZ
