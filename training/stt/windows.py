"""From recordings to what the model hears: windows with their words, damaged as the world damages speech."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.audio import effects
from training.audio.nonspeech import any_sound
from training.audio.speech import SAMPLE_RATE_HZ, Audio, Mark
from training.stt.recordings import Recording
from training.stt.tokens import Segment

Random = np.random.Generator
Draw = Callable[[], Recording]
HEARD_SHARE = 0.75
"""A word that is cut off belongs to the transcript if at least this much of it was heard."""
SHORTEST = SAMPLE_RATE_HZ // 5


@dataclass(frozen=True)
class Window:
    """Audio with the segments, words and phonemes in it (times in the window). No segments: no speech."""

    audio: Audio
    segments: tuple[Segment, ...]
    words: tuple[Mark, ...]
    phones: tuple[Mark, ...]
    synthesizer: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.audio) / SAMPLE_RATE_HZ


class Sounds:
    """A stock of sounds that are not speech, renewed one by one, because music is dear to make."""

    def __init__(self, rng: Random, *, size: int = 100, seconds: float = 7.0) -> None:
        self._rng = rng
        self._length = int(seconds * SAMPLE_RATE_HZ)
        self._sounds = [any_sound(self._length, rng) for _ in range(size)]

    def take(self, length: int) -> Audio:
        """A stretch of some sound."""
        return effects.fit(self._sounds[self._rng.integers(len(self._sounds))], length=length, rng=self._rng)

    def renew(self) -> None:
        """Replace one sound by another."""
        self._sounds[self._rng.integers(len(self._sounds))] = any_sound(self._length, self._rng)


def shift(marks: Sequence[Mark], *, by_s: float, factor: float = 1.0) -> tuple[Mark, ...]:
    """The same marks after a change of speed and a delay."""
    return tuple(Mark(m.label, m.start_s / factor + by_s, m.end_s / factor + by_s) for m in marks)


def place(recordings: Sequence[Recording], *, rng: Random) -> Window:
    """One or more recordings after each other, with silence before, between and after them."""
    factor = float(rng.uniform(0.87, 1.16)) if rng.random() < 0.35 else 1.0
    pieces: list[Audio] = [_gap(rng, mean_s=0.15)]
    segments: list[Segment] = []
    words: tuple[Mark, ...] = ()
    phones: tuple[Mark, ...] = ()
    for item in recordings:
        start_s = sum(map(len, pieces)) / SAMPLE_RATE_HZ
        spoken = shift(item.words, by_s=start_s, factor=factor)
        pieces += [effects.change_speed(item.audio, factor=factor), _gap(rng, mean_s=0.25)]
        segments.append(Segment(spoken[0].start_s, spoken[-1].end_s, tuple(m.label for m in spoken)))
        words += spoken
        phones += shift(item.phones, by_s=start_s, factor=factor)
    synthesizer = "flite" if recordings[0].voice.startswith("flite") else "espeak"
    return Window(np.concatenate(pieces), tuple(segments), words, phones, synthesizer)


def _gap(rng: Random, *, mean_s: float) -> Audio:
    return np.zeros(int(min(1.5, rng.exponential(mean_s)) * SAMPLE_RATE_HZ), np.float32)


def cut(window: Window, *, at_s: float) -> Window:
    """Only the beginning, as an interim decode hears it: words not yet spoken are gone."""
    heard = tuple(m for m in window.words if m.start_s + HEARD_SHARE * (m.end_s - m.start_s) <= at_s)
    segments: list[Segment] = []
    left = len(heard)
    for segment in window.segments:
        kept = segment.words[: max(0, left)]
        left -= len(segment.words)
        if kept:
            segments.append(Segment(segment.start_s, min(segment.end_s, at_s), kept))
    phones = tuple(m for m in window.phones if m.start_s < at_s)
    audio = window.audio[: max(SHORTEST, int(at_s * SAMPLE_RATE_HZ))]
    return Window(audio, tuple(segments), heard, phones, window.synthesizer)


def empty(sounds: Sounds, *, rng: Random) -> Window:
    """A window without speech."""
    length = int(rng.uniform(0.3, 5.0) * SAMPLE_RATE_HZ)
    audio = effects.scale_to_peak(sounds.take(length), peak_db=float(rng.uniform(-50, 0)))
    if rng.random() < 0.2:
        audio = effects.telephone(audio, codec="mu" if rng.random() < 0.5 else "a")
    return Window(audio, (), (), (), "none")


def damage(audio: Audio, sounds: Sounds, babble: Draw, *, rng: Random, strength: float) -> Audio:
    """Microphone, room, noise and line. `strength` 0..1 is how often and how badly."""
    often = 0.4 + 0.6 * strength
    if rng.random() < 0.45 * often:
        audio = effects.colour(audio, rng=rng)
    if rng.random() < 0.25 * often:
        audio = effects.room(audio, rng=rng, reverberation_s=float(rng.uniform(0.08, 0.5)))
    if rng.random() < 0.6 * often:
        audio = _noisy(audio, sounds, babble, rng=rng, strength=strength)
    audio = effects.scale_to_peak(audio, peak_db=float(rng.uniform(-24, 0)))
    if rng.random() < 0.03:
        audio = effects.clip(audio, over_db=float(rng.uniform(1, 8)))
    if rng.random() < 0.3 * often:
        audio = effects.telephone(audio, codec="mu" if rng.random() < 0.5 else "a")
    if rng.random() < 0.06 * often:
        audio = effects.lose_packets(audio, rng=rng, share=float(rng.uniform(0.01, 0.06)))
    if rng.random() < 0.7:
        audio = audio + rng.normal(0, 10 ** rng.uniform(-5, -3), len(audio)).astype(np.float32)
    return audio


def _noisy(audio: Audio, sounds: Sounds, babble: Draw, *, rng: Random, strength: float) -> Audio:
    floor_db = 22 - 14 * strength
    if rng.random() < 0.4:
        return effects.add_noise(audio, _white(len(audio), rng), snr_db=float(rng.uniform(floor_db - 2, 40)))
    if rng.random() < 0.15:
        noise = sum((effects.fit(babble().audio, length=len(audio), rng=rng) for _ in range(4)), np.zeros(len(audio)))
        return effects.add_noise(audio, noise.astype(np.float32), snr_db=float(rng.uniform(floor_db + 4, 40)))
    return effects.add_noise(audio, sounds.take(len(audio)), snr_db=float(rng.uniform(floor_db, 40)))


def _white(length: int, rng: Random) -> Audio:
    return rng.normal(0, 1, length).astype(np.float32)
