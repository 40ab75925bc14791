"""Speech for tests, from the espeak-ng library that its wheel carries."""

import ctypes
from functools import cache

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from plugins.audio import pcm_from_float, resample

RATE_HZ = 16_000
SYNCHRONOUS = 2
UTF8 = 1
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@cache
def _library() -> tuple[ctypes.CDLL, int, list[NDArray[np.int16]], object]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 200, espeakng_loader.get_data_path().encode(), 0)
    pieces: list[NDArray[np.int16]] = []

    @Callback
    def collect(samples: ctypes._Pointer, count: int, _events: object) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(collect)
    library.espeak_SetVoiceByName(b"en-us")
    return library, rate_hz, pieces, collect


@cache
def say(text: str) -> bytes:
    """A sentence as 16 kHz 16-bit PCM, without silence around it."""
    library, rate_hz, pieces, _ = _library()
    pieces.clear()
    encoded = text.encode() + b"\0"
    library.espeak_Synth(encoded, len(encoded), 0, 0, 0, UTF8, None, None)
    audio = np.concatenate(pieces).astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    return pcm_from_float(resample(audio[loud[0] : loud[-1]], from_hz=rate_hz, to_hz=RATE_HZ))


def quiet(seconds: float) -> bytes:
    """The faint noise of a silent room."""
    noise = np.random.default_rng(5).standard_normal(round(seconds * RATE_HZ)) * 0.0003
    return pcm_from_float(noise.astype(np.float32))
