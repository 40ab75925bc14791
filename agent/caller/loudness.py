"""Where speech begins and ends in audio, by its amplitude."""

import numpy as np

from plugins.audio import Float

AUDIBLE = 0.01
"""Amplitude (of 1.0) from which a sample counts as heard: 40 dB below full scale."""


def first_audible(audio: Float) -> int | None:
    """Index of the first sample that can be heard, or `None` in silence."""
    loud = np.flatnonzero(np.abs(audio) >= AUDIBLE)
    return int(loud[0]) if loud.size else None


def last_audible(audio: Float) -> int | None:
    """Index of the last sample that can be heard, or `None` in silence."""
    loud = np.flatnonzero(np.abs(audio) >= AUDIBLE)
    return int(loud[-1]) if loud.size else None
