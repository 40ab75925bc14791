"""Flite in this process: audio with the exact times of words and phonemes.

Needs the system's Flite (Debian: `libflite1`), with the voices kal, kal16, awb, rms and slt.
"""

import ctypes
from collections.abc import Mapping
from ctypes import c_char_p, c_float, c_int, c_short, c_void_p
from functools import cache
from typing import Any

import numpy as np

from training.audio.speech import Mark, Speech, SynthesisFailed, marks_from_starts, pcm_to_audio

PITCH = b"int_f0_target_mean"
LAST_PHONE_END = b"R:Token.daughtern.R:SylStructure.daughtern.daughtern.R:Segment.end"


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", ctypes.POINTER(c_short)),
    ]


Signatures = Mapping[str, tuple[Any, list[Any]]]
"""What functions of the library give and take."""
SIGNATURES: Signatures = {
    "flite_synth_text": (c_void_p, [c_char_p, c_void_p]),
    "utt_wave": (ctypes.POINTER(_Wave), [c_void_p]),
    "utt_relation": (c_void_p, [c_void_p, c_char_p]),
    "relation_head": (c_void_p, [c_void_p]),
    "item_next": (c_void_p, [c_void_p]),
    "item_feat_string": (c_char_p, [c_void_p, c_char_p]),
    "item_feat_float": (c_float, [c_void_p, c_char_p]),
    "ffeature_float": (c_float, [c_void_p, c_char_p]),
    "delete_utterance": (None, [c_void_p]),
    "feat_set_float": (None, [c_void_p, c_char_p, c_float]),
    "feat_remove": (c_int, [c_void_p, c_char_p]),
}


def open_library(more: Signatures | None = None) -> ctypes.CDLL:
    """Flite's library, its functions of `SIGNATURES` and `more` ready to be called. Raises `OSError` without it."""
    library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
    for name, (result, arguments) in {**SIGNATURES, **(more or {})}.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.flite_init()
    return library


_library = cache(open_library)


@cache
def open_voice(name: str) -> int:
    """The address of a registered voice: `kal`, `kal16`, `awb`, `rms` or `slt`."""
    _library()
    register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = c_void_p, [c_char_p]
    return register(None)


class _VoiceHead(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("features", c_void_p)]


class Flite:
    """The Flite synthesizer."""

    def say(self, text: str, *, voice: str, stretch: float = 1.0, pitch_hz: float | None = None) -> Speech:
        """Speak `text` (words separated by single spaces); `stretch` above 1 is slower.

        `pitch_hz` is the mean pitch, None the voice's own; kal and kal16 keep theirs.
        """
        library, address = _library(), open_voice(voice)
        features = ctypes.cast(address, ctypes.POINTER(_VoiceHead)).contents.features
        library.feat_set_float(features, b"duration_stretch", stretch)
        library.feat_remove(features, PITCH)
        if pitch_hz:
            library.feat_set_float(features, PITCH, pitch_hz)
        utterance = library.flite_synth_text(text.encode(), address)
        if not utterance:
            raise SynthesisFailed("flite gave no audio")
        try:
            return _read(utterance, text, voice)
        finally:
            library.delete_utterance(utterance)


def _read(utterance: int, text: str, voice: str) -> Speech:
    wave = _library().utt_wave(utterance).contents
    samples = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()
    audio = pcm_to_audio(samples, rate_hz=wave.sample_rate)
    phones = [(_name(item), _library().item_feat_float(item, b"end")) for item in _items(utterance, b"Segment")]
    tokens = [(_name(item), _library().ffeature_float(item, LAST_PHONE_END)) for item in _items(utterance, b"Token")]
    words = text.split(" ")
    if len(words) != len(tokens):
        raise SynthesisFailed("flite split the text into other words")
    lead_s = phones[0][1] if phones[0][0] == "pau" else 0.0
    return Speech(
        text,
        audio,
        _from_ends([(w, e) for w, (_, e) in zip(words, tokens, strict=True)], lead_s),
        _from_ends(phones, 0.0),
        f"flite {voice}",
    )


def _from_ends(items: list[tuple[str, float]], first_start_s: float) -> tuple[Mark, ...]:
    labels = [label for label, _ in items]
    ends = [end for _, end in items]
    return marks_from_starts(labels, [first_start_s, *ends[:-1]], ends[-1])


def _items(utterance: int, relation: bytes) -> list[int]:
    library = _library()
    found: list[int] = []
    item = library.relation_head(library.utt_relation(utterance, relation))
    while item:
        found.append(item)
        item = library.item_next(item)
    return found


def _name(item: int) -> str:
    return _library().item_feat_string(item, b"name").decode()
