"""Whisper's log-mel spectrogram of speech that is still growing: each frame is computed once.

The arithmetic is that of faster-whisper's `FeatureExtractor`, whose mel filters are used. Only the last step looks at
all frames at once, and is made anew each time.
"""

from dataclasses import dataclass

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from plugins.audio import Float

HOP = 160
SPAN = 400
HALF = SPAN // 2
FLOOR = 1e-10
DYNAMIC_RANGE = 8.0
"""Powers of ten below the loudest frame; what is quieter counts as this."""


@dataclass
class Known:
    """The frames of one utterance that later audio cannot change: log10 of mel energies, float32 [frames, bands]."""

    frames: Float | None = None


class LogMel:
    """Spectrograms with `bands` mel bands, in frames of 10 ms."""

    def __init__(self, *, bands: int) -> None:
        self._bands = bands
        self._filters: NDArray[np.float32] = FeatureExtractor(feature_size=bands).mel_filters.T.astype(np.float32)
        self._window = np.hanning(SPAN + 1)[:-1].astype(np.float32)

    def __call__(self, audio: Float, *, frames: int, known: Known | None = None) -> Float:
        """float32 [bands, frames] of mono 16 kHz `audio` and the silence after it, scaled as Whisper wants it.

        `known` holds what was computed for the beginning of the same audio, and is brought up to date.
        """
        before = known.frames if known and known.frames is not None else np.zeros((0, self._bands), np.float32)
        settled = min(frames, max(0, (audio.size - HALF) // HOP + 1))
        touched = min(frames, (audio.size + HALF - 1) // HOP + 1)
        done = min(len(before), settled)
        spectrum = np.full((frames, self._bands), np.log10(FLOOR), np.float32)
        spectrum[:done] = before[:done]
        spectrum[done:touched] = self._energies(audio, done, touched)
        if known and settled > len(before):
            known.frames = spectrum[:settled].copy()
        return _scaled(spectrum.T)

    def _energies(self, audio: Float, first: int, end: int) -> Float:
        """Frames `first` to `end` of `audio`, which is mirrored before its beginning and silent after its end."""
        if end <= first:
            return np.zeros((0, self._bands), np.float32)
        start = first * HOP - HALF
        piece = audio[max(0, start) : (end - 1) * HOP + HALF]
        before = _mirrored(audio, -start) if start < 0 else audio[:0]
        piece = np.concatenate([before, piece])
        piece = np.pad(piece, (0, max(0, (end - first - 1) * HOP + SPAN - piece.size)))
        spans = np.lib.stride_tricks.sliding_window_view(piece, SPAN)[::HOP][: end - first]
        power = np.abs(np.fft.rfft(spans * self._window)).astype(np.float32) ** 2
        return np.log10(np.maximum(power @ self._filters, FLOOR))


def _mirrored(audio: Float, size: int) -> Float:
    """What stands before the beginning: the first `size` samples after it in reverse."""
    return np.pad(audio, (0, max(0, size + 1 - audio.size)))[1 : size + 1][::-1]


def _scaled(spectrum: Float) -> Float:
    return np.asarray((np.maximum(spectrum, spectrum.max() - DYNAMIC_RANGE) + 4.0) / 4.0, np.float32)
