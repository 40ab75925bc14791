"""The caller's own voice: espeak-ng in this process, or recordings.

The library and its voices come with the package `espeakng-loader`. It keeps its state in globals, so one voice
speaks at a time per process; a sentence takes a few tens of milliseconds.
"""

import ctypes
import threading
from functools import cache
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np

from agent.caller.errors import VoiceFailed
from plugins.audio import Float, Int16, read_wav, resample

SYNCHRONOUS = 2
PHONEME_EVENTS = 1
DONT_EXIT = 0x8000
UTF8 = 1
CHARACTERS = 1
RATE, PITCH, RANGE = 1, 3, 4
ORDINARY = 50

DEFAULT_VOICE = "en-us+m3"
"""A voice that the starter Whisper was not trained on."""
WORDS_PER_MINUTE = 160

_Samples = ctypes.POINTER(ctypes.c_short)
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, _Samples, ctypes.c_int, ctypes.c_void_p)


@cache
def library() -> tuple[ctypes.CDLL, int]:
    """espeak-ng and its sample rate in Hz, started once in this process: a second start would hang it.

    Who synthesizes sets the callback first, as there is only one. Raises `VoiceFailed`.
    """
    found = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate_hz: int = found.espeak_Initialize(SYNCHRONOUS, 0, data, PHONEME_EVENTS | DONT_EXIT)
    if rate_hz <= 0:
        raise VoiceFailed("espeak-ng did not start; `uv sync` installs it again")
    return found, rate_hz


class Espeak:
    """The caller's synthesizer; get it from `espeak()`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: list[Int16] = []
        self._library, self.sample_rate_hz = library()
        self._callback = _Callback(self._collect)  # kept: the library holds only a bare pointer

    def speak(self, text: str, *, voice: str, words_per_minute: int) -> Int16:
        """16-bit mono speech at `sample_rate_hz`. Raises `VoiceFailed` for an unknown voice or a failed synthesis."""
        with self._lock:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise VoiceFailed(f"espeak-ng has no voice {voice!r}; `espeak-ng --voices` lists them")
            for parameter, value in ((RATE, words_per_minute), (PITCH, ORDINARY), (RANGE, ORDINARY)):
                self._library.espeak_SetParameter(parameter, value, 0)
            self._library.espeak_SetSynthCallback(self._callback)
            self._pieces = []
            encoded = text.encode() + b"\0"
            status = self._library.espeak_Synth(encoded, len(encoded), 0, CHARACTERS, 0, UTF8, None, None)
            if status != 0 or not any(piece.any() for piece in self._pieces):
                raise VoiceFailed(f"espeak-ng makes no sound of {text!r}")
            return np.concatenate(self._pieces)

    def _collect(self, samples: Any, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0


@cache
def espeak() -> Espeak:
    """The one synthesizer of this process, started on first use."""
    return Espeak()


def speech(
    text: str, *, sample_rate_hz: int, voice: str = DEFAULT_VOICE, words_per_minute: int = WORDS_PER_MINUTE
) -> Float:
    """`text` spoken, as mono float32 at `sample_rate_hz`. Raises `VoiceFailed`."""
    synthesizer = espeak()
    pcm = synthesizer.speak(text, voice=voice, words_per_minute=words_per_minute)
    audio = pcm.astype(np.float32) / 32768.0
    return resample(audio, from_hz=synthesizer.sample_rate_hz, to_hz=sample_rate_hz)


def recording(path: Path, *, sample_rate_hz: int) -> Float:
    """A WAV file as mono float32 at `sample_rate_hz`. Raises `VoiceFailed` naming the file."""
    try:
        return read_wav(path, sample_rate_hz=sample_rate_hz)
    except (OSError, ValueError) as error:
        raise VoiceFailed(f"cannot use {path} as a caller's voice: {error}") from error
