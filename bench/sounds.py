"""Sounds that are no speech, made of noise and tones: what a microphone picks up besides its owner."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plugins.audio import Float

STRETCH_S = 5.0
"""A stretch of one kind of sound among the others."""

Dice = np.random.Generator
Samples = NDArray[np.floating[Any]]


def cough(dice: Dice, *, rate_hz: int) -> Float:
    """One or two coughs: a burst of breath, then a rougher, fading one. About 0.4 s each."""
    return np.concatenate([_one_cough(dice, rate_hz) for _ in range(int(dice.integers(1, 3)))])


def _one_cough(dice: Dice, rate_hz: int) -> Float:
    burst = _band(dice.normal(0, 1, round(0.05 * rate_hz)), 400, 4500, rate_hz)
    rest = _band(dice.normal(0, 1, round(dice.uniform(0.18, 0.32) * rate_hz)), 250, 2500, rate_hz)
    rest *= np.exp(-np.linspace(0, 4, rest.size)) * (1 + 0.5 * np.sin(np.arange(rest.size) * 2 * np.pi * 60 / rate_hz))
    return _scaled(np.concatenate([burst, rest, np.zeros(round(0.12 * rate_hz))]), dice.uniform(0.15, 0.5))


def mm_hm(dice: Dice, *, rate_hz: int) -> Float:
    """Agreement with closed lips: two hums, a breath between them, the second a little higher."""
    hz = dice.uniform(95, 210)
    breath = _scaled(_band(dice.normal(0, 1, round(0.06 * rate_hz)), 300, 3000, rate_hz), 0.04)
    hums = [_hum(hz, dice.uniform(0.14, 0.2), rate_hz), breath, _hum(hz * 1.15, dice.uniform(0.2, 0.3), rate_hz)]
    return _scaled(np.concatenate(hums), dice.uniform(0.15, 0.4))


def _hum(hz: float, seconds: float, rate_hz: int) -> Float:
    tones = np.sum([_tone(hz * n, seconds, rate_hz) / n**2 for n in range(1, 12)], axis=0)
    return (tones * np.hanning(tones.size)).astype(np.float32)


def slam(dice: Dice, *, rate_hz: int) -> Float:
    """A door: a dull bang that rings for a moment."""
    seconds = np.arange(round(0.4 * rate_hz)) / rate_hz
    bang = dice.normal(0, 1, seconds.size) * np.exp(-seconds / 0.03)
    notes = np.sin(2 * np.pi * dice.uniform(60, 300, (4, 1)) * seconds).sum(axis=0)
    return _scaled(_band(bang, 40, 900, rate_hz) + notes * np.exp(-seconds / 0.08), dice.uniform(0.3, 0.7))


def typing(dice: Dice, *, rate_hz: int, seconds: float = 1.0) -> Float:
    """Keys of a keyboard, some eight a second."""
    audio = np.zeros(round(seconds * rate_hz))
    for at in dice.integers(0, max(1, audio.size - rate_hz // 20), size=round(8 * seconds)):
        click = dice.normal(0, 1, rate_hz // 50) * np.exp(-np.linspace(0, 8, rate_hz // 50))
        audio[at : at + click.size] += click
    return _scaled(_band(audio, 1500, 7000, rate_hz), dice.uniform(0.05, 0.25))


def hum(dice: Dice, *, rate_hz: int, seconds: float) -> Float:
    """The mains and its overtones."""
    base = dice.choice([50.0, 60.0])
    tones = np.sum([_tone(base * n, seconds, rate_hz) / n for n in (1, 2, 3, 5, 7)], axis=0)
    return _scaled(tones, dice.uniform(0.01, 0.1))


def hiss(dice: Dice, *, rate_hz: int, seconds: float) -> Float:
    """A fan or a street: steady noise, bright or dull."""
    noise = dice.normal(0, 1, round(seconds * rate_hz))
    return _scaled(_band(noise, 20, dice.choice([300.0, 1200.0, 6000.0]), rate_hz), dice.uniform(0.01, 0.15))


def melody(dice: Dice, *, rate_hz: int, seconds: float) -> Float:
    """Music without a singer: notes with overtones, one after another."""
    notes: list[Float] = []
    while sum(note.size for note in notes) < seconds * rate_hz:
        length_s, hz = dice.uniform(0.15, 0.6), 220 * 2 ** (dice.integers(0, 25) / 12)
        note = np.sum([_tone(hz * n, length_s, rate_hz) / n**1.5 for n in (1, 2, 3, 4)], axis=0)
        notes.append((note * np.exp(-np.linspace(0, 3, note.size))).astype(np.float32))
    return _scaled(np.concatenate(notes)[: round(seconds * rate_hz)], dice.uniform(0.05, 0.3))


def coughing(dice: Dice, *, rate_hz: int, seconds: float) -> Float:
    """Coughs with pauses."""
    return _scattered(lambda: cough(dice, rate_hz=rate_hz), dice, rate_hz=rate_hz, seconds=seconds)


def slamming(dice: Dice, *, rate_hz: int, seconds: float) -> Float:
    """Doors with pauses."""
    return _scattered(lambda: slam(dice, rate_hz=rate_hz), dice, rate_hz=rate_hz, seconds=seconds)


KINDS: dict[str, Callable[..., Float]] = {
    "coughs": coughing,
    "doors": slamming,
    "typing": typing,
    "hum": hum,
    "fan and street": hiss,
    "music": melody,
}


def non_speech(seconds: float, *, rate_hz: int, seed: int = 5) -> Iterator[tuple[str, Float]]:
    """`seconds` of all kinds in turn, each stretch over a faint room noise and followed by a second of it."""
    dice = np.random.default_rng(seed)
    for number in range(round(seconds / (STRETCH_S + 1))):
        kind = list(KINDS)[number % len(KINDS)]
        audio = np.concatenate([KINDS[kind](dice, rate_hz=rate_hz, seconds=STRETCH_S), np.zeros(rate_hz, np.float32)])
        yield kind, audio + dice.normal(0, 0.0005, audio.size).astype(np.float32)


def _scattered(make: Callable[[], Float], dice: Dice, *, rate_hz: int, seconds: float) -> Float:
    audio = np.zeros(round(seconds * rate_hz), np.float32)
    at = 0
    while True:
        at += round(dice.uniform(0.2, 1.2) * rate_hz)
        sound = make()
        if at + sound.size > audio.size:
            return audio
        audio[at : at + sound.size] = sound
        at += sound.size


def _tone(hz: float, seconds: float, rate_hz: int) -> Float:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz).astype(np.float32)


def _band(audio: Samples, low_hz: float, high_hz: float, rate_hz: int) -> Float:
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(audio.size, 1 / rate_hz)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return np.fft.irfft(spectrum, audio.size).astype(np.float32)


def _scaled(audio: Samples, peak: float) -> Float:
    return (audio * (peak / max(1e-9, float(np.abs(audio).max())))).astype(np.float32)
