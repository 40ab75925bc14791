"""A Piper voice: text in, speech out clause by clause. Blocking; one call at a time or several, as threads like."""

import textwrap
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig
from piper.voice import AudioChunk

from plugins.audio import Float
from plugins.errors import ModelError
from plugins.piper.audio import LEAD_IN_S, pause_after, trim
from plugins.piper.clauses import Cutting, cut
from plugins.piper.spoken import Part, spoken_parts
from plugins.piper.stepwise import Level, StepwiseVoice, cut_to_speech
from plugins.piper.timing import Group, Word, time_words
from plugins.piper.voice import VOICE_ERRORS, load_voice, phoneme_groups

__all__ = ["PiperModel", "Speech", "Word"]

CUTTING = Cutting(first_min=3, first_max=16)
MAX_RUN_CHARS = 500
"""Spoken text that the voice gets at once: "1111…" is short to write and long to say."""
WARM_UP = "1, 2, 3, 4."
VOLUME = 0.9
"""Share of full scale that a clause's loudest sample reaches."""


@dataclass(frozen=True)
class Speech:
    """A clause, or a piece of one, as 16-bit mono audio at the voice's rate.

    `words` are the written words that begin in it and when they are heard; `text` is the whole clause.
    """

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
        self._level = Level()
        for _ in self.synthesize(WARM_UP):  # the first words are as quick, and as loud, as all others
            pass

    def synthesize(self, text: str, *, speed: float = 1.0) -> Iterator[Speech]:
        """Speak a text, a piece with each step; `speed` 2.0 is twice as fast. Nothing to say gives nothing."""
        for clause in self.clauses(text):
            yield from self.speak(clause, speed=speed)

    def clauses(self, text: str) -> list[str]:
        """What is spoken in one go, the first short so that speech begins early; joined they are the text."""
        return cut(text, CUTTING)

    def speak(self, clause: str, *, speed: float = 1.0) -> Iterator[Speech]:
        """Speak one clause: at once, or piece by piece if the voice can be had in halves. Raises `ModelError`."""
        parts = spoken_parts(clause, language=self.language)
        said = " ".join(part.spoken for part in parts if part.spoken)
        if not any(character.isalnum() for character in said):
            return
        try:
            yield from self._pieces(Saying(clause, parts, said, speed))
        except VOICE_ERRORS as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the voice failed on {len(said)} characters ({reason})") from error

    def _pieces(self, saying: "Saying") -> Iterator[Speech]:
        if isinstance(self._voice, StepwiseVoice):
            return self._in_pieces(saying, replace(self._voice, latents=[]))
        return self._whole(saying)

    def _whole(self, saying: "Saying") -> Iterator[Speech]:
        chunks = _synthesized(self._voice, saying)
        if chunks:
            whole = np.concatenate([chunk.audio_float_array for chunk in chunks])
            audio, cut_samples = trim(whole, sample_rate_hz=self.sample_rate_hz, pause_s=saying.pause_s)
            groups = _moved(phoneme_groups(chunks), by_s=-cut_samples / self.sample_rate_hz)
            yield Speech(audio=_pcm(audio), words=time_words(saying.parts, groups), text=saying.clause)

    def _in_pieces(self, saying: "Saying", voice: StepwiseVoice) -> Iterator[Speech]:
        rate_hz = self.sample_rate_hz
        groups = phoneme_groups(_synthesized(voice, saying))
        if not groups:
            return
        start_s, end_s = groups[0].start_s, groups[-1].end_s
        words = time_words(saying.parts, _moved(groups, by_s=min(0.0, LEAD_IN_S - start_s)))
        audio = cut_to_speech(
            voice.sound(), start_s=start_s, end_s=end_s, sample_rate_hz=rate_hz, pause_s=saying.pause_s
        )
        yield from _with_words(self._levelled(audio), words, saying.clause, rate_hz)

    def _levelled(self, pieces: Iterable[Float]) -> Iterator[Float]:
        """All pieces of a clause as loud as they are beside each other, the clause as loud as the ones before."""
        gain = VOLUME / self._level.peak if self._level.peak else 1.0
        peak = 0.0
        for piece in pieces:
            peak = max(peak, float(np.abs(piece).max(initial=0.0)))
            yield piece * gain
        self._level.hear(peak)


@dataclass(frozen=True)
class Saying:
    """A clause to be said: as it is written, in parts that are spoken differently, and as it is spoken."""

    clause: str
    parts: Sequence[Part]
    said: str
    speed: float

    @property
    def pause_s(self) -> float:
        """Silence behind it."""
        return pause_after(self.said) / self.speed


def _synthesized(voice: PiperVoice, saying: Saying) -> list[AudioChunk]:
    settings = SynthesisConfig(length_scale=voice.config.length_scale / saying.speed, volume=VOLUME)
    return [
        chunk
        for run in textwrap.wrap(saying.said, MAX_RUN_CHARS, break_on_hyphens=False)
        for chunk in voice.synthesize(run, settings, include_alignments=True)
    ]


def _with_words(pieces: Iterable[Float], words: Sequence[Word], clause: str, rate_hz: int) -> Iterator[Speech]:
    """Each piece with the words that begin in it."""
    waiting, at_s = deque(words), 0.0
    for piece in pieces:
        end_s = at_s + piece.size / rate_hz
        begun: list[Word] = []
        while waiting and waiting[0].start_s < end_s:
            word = waiting.popleft()
            begun.append(Word(word.text, word.start_s - at_s, word.end_s - at_s))
        yield Speech(audio=_pcm(piece), words=tuple(begun), text=clause)
        at_s = end_s


def _pcm(audio: Float) -> NDArray[np.int16]:
    return np.clip(audio * 32767.0, -32768, 32767).astype(np.int16)


def _moved(groups: list[Group], *, by_s: float) -> list[Group]:
    return [Group(group.phonemes, max(0.0, group.start_s + by_s), max(0.0, group.end_s + by_s)) for group in groups]
