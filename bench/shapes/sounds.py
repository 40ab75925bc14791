"""Which of some known recordings a stretch of audio is, or is a part of: by how its loudness changes in each band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plugins.whisper.transcripts import SAMPLE_RATE_HZ, Float

Matrix = NDArray[np.float64]

HOP = SAMPLE_RATE_HZ // 50
WINDOW = 2 * HOP
EDGES = np.unique(np.geomspace(4, WINDOW // 2, 17).astype(int))
"""First bins of the bands, and the end of the last."""
BANDS = len(EDGES) - 1
STEP = 2
"""Frames between which a change is taken."""
FLOOR_DB = 45.0
"""What lies this far below the loudest moment counts as silence."""


@dataclass(frozen=True)
class Match:
    """A recording by its number, how alike it is (1: the same), and at which of its seconds the audio begins.

    `begin_s` is negative for audio that begins with silence.
    """

    number: int
    likeness: float
    begin_s: float


def changes(audio: Float) -> Matrix:
    """How the loudness of each band changes within 40 ms, in dB: [bands, frames of 20 ms], zeros in silence."""
    count = max(0, (audio.size - WINDOW) // HOP + 1)
    if count <= STEP:
        return np.zeros((BANDS, 1))
    frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP][:count]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2
    decibels = 10 * np.log10(np.add.reduceat(power, EDGES, axis=1).T[:BANDS] + 1e-9)
    loudness = np.maximum(0.0, decibels - decibels.max() + FLOOR_DB)
    return loudness[:, STEP:] - loudness[:, :-STEP]


class Sounds:
    """Known recordings at 16 kHz, ready to be compared with."""

    def __init__(self, recordings: Sequence[Float]) -> None:
        known = [changes(recording) for recording in recordings]
        self._longest = max(one.shape[1] for one in known)
        self._known = np.stack([np.pad(one, ((0, 0), (0, self._longest - one.shape[1]))) for one in known])
        self._energy = np.pad(np.cumsum((self._known**2).sum(1), axis=1), ((0, 0), (1, 0)))
        self._transforms: dict[int, NDArray[np.complex128]] = {}

    def match(self, audio: Float) -> Match:
        """The best fitting part of the best fitting recording."""
        heard = changes(audio)
        lags = np.arange(1 - heard.shape[1], self._longest)
        alike = self._products(heard)[:, lags] / np.sqrt((heard**2).sum() * self._within(heard.shape[1], lags) + 1e-9)
        number, place = np.unravel_index(alike.argmax(), alike.shape)
        return Match(int(number), float(alike[number, place]), float(lags[place]) * HOP / SAMPLE_RATE_HZ)

    def _products(self, heard: Matrix) -> Matrix:
        """[recordings, lags]: sums of `heard` times each recording `lag` frames later; negative lags at the end."""
        size = 1 << (heard.shape[1] + self._longest - 2).bit_length()
        if size not in self._transforms:
            self._transforms[size] = np.fft.rfft(self._known, size)
        return np.fft.irfft((self._transforms[size] * np.conj(np.fft.rfft(heard, size))).sum(1), size)

    def _within(self, length: int, lags: NDArray[np.intp]) -> Matrix:
        """[recordings, lags]: the energy of each recording in the `length` frames from `lag` on."""
        ends = np.minimum(lags + length, self._longest)
        return self._energy[:, ends] - self._energy[:, np.maximum(lags, 0)]
