"""Speech for tests, from the espeak-ng library that its wheel carries."""

from functools import cache

import numpy as np

from agent.caller.voice import speech
from plugins.audio import pcm_from_float

RATE_HZ = 16_000


@cache
def say(text: str) -> bytes:
    """A sentence as 16 kHz 16-bit PCM, without silence around it."""
    audio = speech(text, sample_rate_hz=RATE_HZ, voice="en-us")
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    return pcm_from_float(audio[loud[0] : loud[-1]])


def quiet(seconds: float) -> bytes:
    """The faint noise of a silent room."""
    noise = np.random.default_rng(5).standard_normal(round(seconds * RATE_HZ)) * 0.0003
    return pcm_from_float(noise.astype(np.float32))
