"""Joints between clauses: no clicks, and pauses as long as the punctuation asks for."""

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

QUIET = 0.01
"""Share of the peak below which a sample counts as silence."""
LEAD_IN_S = 0.015
LEAD_OUT_S = 0.02
FADE_S = 0.004
PAUSES_S = {".": 0.28, "!": 0.28, "?": 0.28, ":": 0.2, ";": 0.2, ",": 0.14}
MID_PHRASE_PAUSE_S = 0.03


def pause_after(said: str) -> float:
    """Seconds of silence that follow a clause, by its last mark."""
    return PAUSES_S.get(said.rstrip()[-1:], MID_PHRASE_PAUSE_S)


def trim(audio: Float, *, sample_rate_hz: int, pause_s: float) -> tuple[Float, int]:
    """Cut the silence at both ends, fade them, and end with `pause_s` of silence.

    Also gives how many samples were cut from the start.
    """
    loud = np.flatnonzero(np.abs(audio) > QUIET * float(np.abs(audio).max(initial=0.0)))
    if not loud.size:
        return np.zeros(round(pause_s * sample_rate_hz), np.float32), audio.size
    start = max(0, int(loud[0]) - round(LEAD_IN_S * sample_rate_hz))
    end = min(audio.size, int(loud[-1]) + round(LEAD_OUT_S * sample_rate_hz))
    voiced = _faded(audio[start:end], samples=round(FADE_S * sample_rate_hz))
    return np.concatenate([voiced, np.zeros(round(pause_s * sample_rate_hz), np.float32)]), start


def _faded(audio: Float, *, samples: int) -> Float:
    samples = min(samples, audio.size // 2)
    if not samples:
        return audio
    faded = audio.copy()
    ramp = np.linspace(0.0, 1.0, samples, dtype=np.float32)
    faded[:samples] *= ramp
    faded[-samples:] *= ramp[::-1]
    return faded
