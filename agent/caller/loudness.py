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


def level_db(audio: Float) -> float:
    """How loud audio is, in dB of full scale; digital silence is -120."""
    return 10 * float(np.log10(np.mean(np.square(audio)) + 1e-12)) if audio.size else -120.0
