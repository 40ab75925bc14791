"""Both sides of a call on one recording: the caller left, the agent right."""

from pathlib import Path

import numpy as np

from plugins.audio import Float, pcm_from_float, wav_bytes

JITTER_S = 0.04
"""Frames that arrive later than this after the ones before them start after a pause."""


class Tape:
    """A stereo recording that begins at `started_at_s` on the clock that `add` is told."""

    def __init__(self, *, sample_rate_hz: int, started_at_s: float) -> None:
        self._rate_hz = sample_rate_hz
        self._started_at_s = started_at_s
        self._sides: tuple[list[Float], list[Float]] = ([], [])
        self._lengths = [0, 0]

    def add(self, side: int, audio: Float, *, at_s: float) -> None:
        """Append audio heard at `at_s`, after silence if there was a gap. `side` is 0 (caller) or 1 (agent)."""
        start = round((at_s - self._started_at_s) * self._rate_hz)
        gap = start - self._lengths[side]
        if gap > JITTER_S * self._rate_hz:
            self._append(side, np.zeros(gap, np.float32))
        self._append(side, audio)

    def _append(self, side: int, audio: Float) -> None:
        self._sides[side].append(audio)
        self._lengths[side] += audio.size

    def side(self, side: int) -> Float:
        """Everything recorded of one side."""
        return np.concatenate(self._sides[side]) if self._sides[side] else np.zeros(0, np.float32)

    def save(self, path: Path) -> None:
        """Write a 16-bit stereo WAV file; the shorter side is filled with silence."""
        stereo = np.zeros((max(self._lengths), 2), np.float32)
        for side in (0, 1):
            stereo[: self._lengths[side], side] = self.side(side)
        pcm = pcm_from_float(stereo.reshape(-1))
        path.write_bytes(wav_bytes(pcm, sample_rate_hz=self._rate_hz, channels=2))
