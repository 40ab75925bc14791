"""espeak-ng in this process: audio with the exact times of words and phonemes.

It keeps global state, so it is used by one thread. At least 10 ms of work per sentence.
"""

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.caller.errors import VoiceFailed
from agent.caller.voice import PITCH, RANGE, RATE, UTF8, library
from training.audio.speech import Mark, Speech, SynthesisFailed, marks_from_starts, pcm_to_audio

END_OF_LIST, WORD, PHONEME = 0, 1, 7
PAUSE = "_"


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


if TYPE_CHECKING:
    Samples = ctypes._Pointer[ctypes.c_short]
    Events = ctypes._Pointer[_Event]

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass
class _Take:
    """What the callback has collected of the sentence being spoken."""

    pieces: list[NDArray[np.int16]] = field(default_factory=list)
    phones: list[tuple[str, float]] = field(default_factory=list)
    words: list[tuple[int, float]] = field(default_factory=list)


class Espeak:
    """The espeak-ng synthesizer; voices are named like `en-us+f2` (language + voice variant)."""

    def __init__(self) -> None:
        try:
            self._library, self._rate_hz = library()
        except VoiceFailed as error:
            raise SynthesisFailed(str(error)) from error
        self._take = _Take()
        self._callback = _Callback(self._collect)

    def say(self, text: str, *, voice: str, words_per_minute: int = 160, pitch: int = 50, range_: int = 50) -> Speech:
        """Speak `text` (words separated by single spaces). Raises SynthesisFailed for an unknown voice."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SynthesisFailed(f"espeak-ng has no voice {voice}")
        for parameter, value in ((RATE, words_per_minute), (PITCH, pitch), (RANGE, range_)):
            self._library.espeak_SetParameter(parameter, value, 0)
        take = self._synthesize(text)
        audio = pcm_to_audio(np.concatenate(take.pieces), rate_hz=self._rate_hz)
        seconds = len(audio) / 16_000
        phones = marks_from_starts([p for p, _ in take.phones], [t for _, t in take.phones], seconds)
        return Speech(text, audio, _word_marks(text, take.words, seconds), phones, voice)

    def _synthesize(self, text: str) -> _Take:
        self._take = _Take()
        self._library.espeak_SetSynthCallback(self._callback)
        encoded = text.encode() + b"\0"
        self._library.espeak_Synth(encoded, len(encoded), 0, 0, 0, UTF8, None, None)
        if not self._take.pieces:
            raise SynthesisFailed("espeak-ng gave no audio")
        return self._take

    def _collect(self, samples: "Samples", count: int, events: "Events") -> int:
        if samples and count > 0:
            self._take.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != END_OF_LIST:
            self._note(events[index])
            index += 1
        return 0

    def _note(self, event: _Event) -> None:
        seconds = event.audio_position_ms / 1000
        if event.type == PHONEME:
            label = event.id.string.decode("utf-8", "ignore") or PAUSE
            self._take.phones.append((label, seconds))
        elif event.type == WORD:
            self._take.words.append((event.text_position - 1, seconds))


def _word_marks(text: str, events: list[tuple[int, float]], seconds: float) -> tuple[Mark, ...]:
    """Words that espeak-ng says as one ("of the") share the time of the first of them, in equal parts."""
    words = text.split(" ")
    positions = np.cumsum([0] + [len(word) + 1 for word in words[:-1]])
    starts: list[float | None] = [None] * len(words)
    for position, start in events:
        index = int(np.searchsorted(positions, position, side="right")) - 1
        if starts[index] is None:
            starts[index] = start
    return marks_from_starts(words, _fill(starts, seconds), seconds)


def _fill(starts: list[float | None], seconds: float) -> list[float]:
    known = [(i, s) for i, s in enumerate(starts) if s is not None]
    anchors = [*known, (len(starts), seconds)]
    if anchors[0][0] != 0:
        anchors.insert(0, (0, 0.0))
    return [float(s) for s in np.interp(range(len(starts)), [i for i, _ in anchors], [s for _, s in anchors])]
