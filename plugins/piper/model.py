"""A Piper voice: text in, speech out clause by clause. Blocking; one call at a time or several, as threads like."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from piper import SynthesisConfig
from piper.voice import AudioChunk

from plugins.errors import ModelError
from plugins.piper.audio import pause_after, trim
from plugins.piper.clauses import Cutting, cut
from plugins.piper.spoken import spoken_parts
from plugins.piper.timing import Group, Word, time_words
from plugins.piper.voice import VOICE_ERRORS, load_voice, phoneme_groups

__all__ = ["PiperModel", "Speech", "Word"]

CUTTING = Cutting(first_min=3, first_max=16)
MAX_RUN_CHARS = 500
"""Spoken text that the voice gets at once: "1111…" is short to write and long to say."""
VOLUME = 0.9
"""Share of full scale that a clause's loudest sample reaches."""


@dataclass(frozen=True)
class Speech:
    """One clause as 16-bit mono audio at the voice's rate, with its written words and when each is heard."""

    audio: NDArray[np.int16]
    words: tuple[Word, ...]
    text: str


class PiperModel:
    """The voice in a `.onnx` file with its `.onnx.json` beside it.

    Raises `ModelMissing` or `ModelCorrupt`, naming the file and the command that repairs it, or `DeviceMissing`.
    """

    def __init__(self, path: Path, *, threads: int, device: str = "cpu") -> None:
        self._voice = load_voice(path, threads=threads, device=device)
        self.sample_rate_hz = self._voice.config.sample_rate
        self.language = self._voice.config.espeak_voice

    def synthesize(self, text: str, *, speed: float = 1.0) -> Iterator[Speech]:
        """Speak a text, a clause with each step; `speed` 2.0 is twice as fast. Nothing to say gives nothing."""
        for clause in self.clauses(text):
            if speech := self.speak(clause, speed=speed):
                yield speech

    def clauses(self, text: str) -> list[str]:
        """What is spoken in one go, the first short so that speech begins early; joined they are the text."""
        return cut(text, CUTTING)

    def speak(self, clause: str, *, speed: float = 1.0) -> Speech | None:
        """Speak one clause; None if there is nothing to say in it."""
        parts = spoken_parts(clause, language=self.language)
        said = " ".join(part.spoken for part in parts if part.spoken)
        if not any(character.isalnum() for character in said):
            return None
        chunks = self._synthesized(said, speed)
        if not chunks:
            return None
        whole = np.concatenate([chunk.audio_float_array for chunk in chunks])
        audio, cut_samples = trim(whole, sample_rate_hz=self.sample_rate_hz, pause_s=pause_after(said) / speed)
        groups = _moved(phoneme_groups(chunks), by_s=-cut_samples / self.sample_rate_hz)
        pcm = np.clip(audio * 32767.0, -32768, 32767).astype(np.int16)
        return Speech(audio=pcm, words=time_words(parts, groups), text=clause)

    def _synthesized(self, said: str, speed: float) -> list[AudioChunk]:
        settings = SynthesisConfig(length_scale=self._voice.config.length_scale / speed, volume=VOLUME)
        try:
            return [
                chunk
                for run in textwrap.wrap(said, MAX_RUN_CHARS, break_on_hyphens=False)
                for chunk in self._voice.synthesize(run, settings, include_alignments=True)
            ]
        except VOICE_ERRORS as error:
            raise ModelError(f"the voice failed on {len(said)} characters ({str(error).splitlines()[0]})") from error


def _moved(groups: list[Group], *, by_s: float) -> list[Group]:
    return [Group(group.phonemes, max(0.0, group.start_s + by_s), max(0.0, group.end_s + by_s)) for group in groups]
