"""The teacher: flite's `slt` voice, called in-process through its shared library.

Source: https://github.com/festvox/flite (library `libflite1` in Debian).
"""

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.audio.flite import Signatures, open_library, open_voice

SAMPLE_RATE_HZ = 16_000
PITCH_STEP_S = 0.005
_VOICED_HZ = 40.0


@dataclass(frozen=True)
class Segment:
    """One ARPAbet phone and its length in seconds."""

    phone: str
    length_s: float


@dataclass(frozen=True)
class Spoken:
    """One utterance: int16 audio at 16 kHz, its phones in order, its pitch in Hz every 5 ms (0: voiceless)."""

    audio: NDArray[np.int16]
    segments: tuple[Segment, ...]
    pitch_hz: NDArray[np.float64]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.pitch_hz > _VOICED_HZ


class _Track(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("num_frames", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("times", ctypes.POINTER(ctypes.c_float)),
        ("frames", ctypes.POINTER(ctypes.POINTER(ctypes.c_float))),
    ]


_PITCH_SIGNATURES: Signatures = {
    "feat_val": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "val_track": (ctypes.POINTER(_Track), [ctypes.c_void_p]),
}


class Flite:
    """A flite voice. Raises `OSError` where the shared libraries are not installed (`apt-get install flite`)."""

    def __init__(self, *, voice: str = "slt") -> None:
        self._flite = open_library(_PITCH_SIGNATURES)
        self._voice = open_voice(voice)

    def speak(self, text: str) -> Spoken:
        utterance = self._flite.flite_synth_text(text.encode(), self._voice)
        try:
            return Spoken(self._audio(utterance), tuple(self._segments(utterance)), self._pitch(utterance))
        finally:
            self._flite.delete_utterance(utterance)

    def _audio(self, utterance: int) -> NDArray[np.int16]:
        wave = self._flite.utt_wave(utterance).contents
        return np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()

    def _segments(self, utterance: int) -> list[Segment]:
        item = self._flite.relation_head(self._flite.utt_relation(utterance, b"Segment"))
        segments: list[Segment] = []
        start_s = 0.0
        while item:
            end_s = self._flite.item_feat_float(item, b"end")
            segments.append(Segment(self._flite.item_feat_string(item, b"name").decode(), end_s - start_s))
            start_s, item = end_s, self._flite.item_next(item)
        return segments

    def _pitch(self, utterance: int) -> NDArray[np.float64]:
        features = ctypes.cast(utterance, ctypes.POINTER(ctypes.c_void_p))[0]
        track = self._flite.val_track(self._flite.feat_val(features, b"param_track")).contents
        return np.array([track.frames[frame][0] for frame in range(track.num_frames)])
