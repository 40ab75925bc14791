"""Sounds that are not speech: silence, noise, tones, hold music, telephone signals, knocks. Made from nothing.

Every maker takes a number of samples and a generator, and returns that many samples at 16 kHz within -1..1.
"""

from collections.abc import Callable

import numpy as np

from training.audio.speech import SAMPLE_RATE_HZ, Audio

Random = np.random.Generator
Maker = Callable[[int, Random], Audio]
KEYPAD_HZ = ((697, 1209), (697, 1336), (697, 1477), (770, 1209), (770, 1336), (852, 1477), (941, 1336), (941, 1209))
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
CHORDS = ((0, 4, 7), (0, 3, 7), (5, 9, 12), (7, 11, 14), (9, 12, 16), (2, 5, 9))


def silence(length: int, rng: Random) -> Audio:
    """Nothing at all, or the hiss of a quiet line."""
    hiss = 0.0 if rng.random() < 0.3 else 10 ** rng.uniform(-5, -3)
    return (rng.normal(0, 1, length) * hiss).astype(np.float32)


def coloured_noise(length: int, rng: Random) -> Audio:
    """Noise whose spectrum falls with frequency, from white (hiss) to brown (wind), steady or in gusts."""
    spectrum = np.fft.rfft(rng.normal(0, 1, length))
    slope = rng.uniform(0, 2)
    spectrum /= np.maximum(np.arange(len(spectrum)), 30) ** (slope / 2)
    return _normal(np.fft.irfft(spectrum, length) * _gusts(length, rng))


def hum(length: int, rng: Random) -> Audio:
    """Mains, a fan or an engine: a low tone with many harmonics."""
    base_hz = rng.choice((50.0, 60.0, rng.uniform(25, 180)))
    parts = [tone(length, base_hz * k, rng) * rng.uniform(0, 1) / k for k in range(1, int(rng.integers(3, 14)))]
    return _normal(np.sum(parts, axis=0) + rng.normal(0, rng.uniform(0, 0.2), length))


def tone(length: int, frequency_hz: float, rng: Random) -> Audio:
    """A sine of any phase."""
    return np.sin(_times(length) * 2 * np.pi * frequency_hz + rng.uniform(0, 6.28)).astype(np.float32)


def beeps(length: int, rng: Random) -> Audio:
    """A tone, or two together, steady or on and off: ringing, engaged, alarms."""
    sound = tone(length, rng.uniform(200, 3000), rng) + rng.integers(0, 2) * tone(length, rng.uniform(200, 2000), rng)
    return _normal(sound * _on_off(length, rng))


def line_signal(length: int, rng: Random) -> Audio:
    """What telephones play: dial tone, ringing, engaged."""
    pairs = ((350, 440), (440, 480), (480, 620), (425, 425), (400, 450))
    low, high = pairs[rng.integers(len(pairs))]
    on_s, off_s = ((1.0, 0.0), (2.0, 4.0), (0.5, 0.5), (1.0, 4.0), (0.25, 0.25), (0.4, 0.2))[rng.integers(6)]
    gate = (_times(length) + rng.uniform(0, 4)) % (on_s + off_s) < on_s
    return _normal((tone(length, low, rng) + tone(length, high, rng)) * gate)


def keypad(length: int, rng: Random) -> Audio:
    """Keys of a telephone being pressed."""
    sound = np.zeros(length, np.float32)
    start = 0
    while start < length:
        low, high = KEYPAD_HZ[rng.integers(len(KEYPAD_HZ))]
        size = min(int(rng.uniform(0.06, 0.3) * SAMPLE_RATE_HZ), length - start)
        sound[start : start + size] = tone(size, low, rng) + tone(size, high, rng)
        start += size + int(rng.uniform(0.04, 0.6) * SAMPLE_RATE_HZ)
    return _normal(sound)


def sweep(length: int, rng: Random) -> Audio:
    """A siren, a whistle, a bird: a tone that glides."""
    rate_hz, depth = rng.uniform(0.2, 9), rng.uniform(0.05, 0.8)
    centre_hz = 10 ** rng.uniform(2.4, 3.6)
    frequency = centre_hz * (1 + depth * np.sin(2 * np.pi * rate_hz * _times(length) + rng.uniform(0, 6)))
    return _normal(np.sin(np.cumsum(2 * np.pi * frequency / SAMPLE_RATE_HZ)) * _on_off(length, rng))


def knocks(length: int, rng: Random) -> Audio:
    """Clicks, keys of a keyboard, steps, a door: short bursts that ring a little."""
    sound = rng.normal(0, 10 ** rng.uniform(-5, -3), length)
    for start in rng.integers(0, max(1, length - 400), int(rng.integers(1, 3 + length // 3000))):
        size = int(min(rng.uniform(0.003, 0.15) * SAMPLE_RATE_HZ, length - start))
        burst = rng.normal(0, 1, size) * np.exp(-np.arange(size) / (size / 5))
        sound[start : start + size] += burst * rng.uniform(0.2, 1)
    return _normal(sound)


def breath(length: int, rng: Random) -> Audio:
    """Breathing, rustling, a blow into the microphone: band noise that swells and fades."""
    centre_hz = 10 ** rng.uniform(2.3, 3.6)
    spectrum = np.fft.rfft(rng.normal(0, 1, length))
    distance = np.log(np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ), 1) / centre_hz)
    shaped = np.fft.irfft(spectrum * np.exp(-(distance**2) * rng.uniform(0.3, 2)), length)
    return _normal(shaped * _gusts(length, rng) ** 2)


def murmurs(length: int, rng: Random) -> Audio:
    """Hums with closed lips, alone or in pairs ("mm", "mm-hm"): a voice without words."""
    sound = rng.normal(0, 10 ** rng.uniform(-5, -3), length)
    pitch_hz, softness = rng.uniform(80, 280), rng.uniform(1.2, 2.6)
    start = int(rng.exponential(0.15) * SAMPLE_RATE_HZ)
    while start < length:
        size = min(int(rng.uniform(0.09, 0.55) * SAMPLE_RATE_HZ), length - start)
        sound[start : start + size] += _murmur(size, pitch_hz * rng.uniform(0.8, 1.3), softness, rng)
        start += size + int(rng.choice((0.04, 0.08, rng.exponential(0.8))) * SAMPLE_RATE_HZ)
    return _normal(sound)


def _murmur(size: int, pitch_hz: float, softness: float, rng: Random) -> Audio:
    """The pitch glides a little; a nose lets through what is low."""
    glide = np.linspace(1, rng.uniform(0.8, 1.25), size)
    phase = np.cumsum(2 * np.pi * pitch_hz * glide / SAMPLE_RATE_HZ)
    tones = np.sum([np.sin(n * phase + rng.uniform(0, 6.28)) / n**softness for n in range(1, 14)], axis=0)
    return tones * np.hanning(size) ** rng.uniform(0.3, 1.2) * rng.uniform(0.4, 1)


def music(length: int, rng: Random) -> Audio:
    """Hold music: chords, a tune and perhaps a beat in one key, at one tempo."""
    beat = int(SAMPLE_RATE_HZ * 60 / rng.uniform(60, 160))
    key_hz = 110 * 2 ** (rng.integers(0, 12) / 12)
    scale = SCALES[rng.integers(len(SCALES))]
    harmonics = 1 / np.arange(1, 8) ** rng.uniform(0.8, 2.5)
    sound = np.zeros(length + 2 * beat, np.float32)
    first = int(rng.integers(0, beat))
    chord = CHORDS[0]
    for count, start in enumerate(range(-first, length, beat)):
        if count % 4 == 0:
            chord = CHORDS[rng.integers(len(CHORDS))]
            _play(sound, start, beat * 4, [key_hz * 2 ** (n / 12) for n in chord], harmonics, rng, 0.3)
        if rng.random() < 0.8:
            pitch_hz = key_hz * 2 ** (1 + scale[rng.integers(len(scale))] / 12)
            _play(sound, start, beat, [pitch_hz], harmonics, rng, 0.5)
    return _normal(sound[:length] + rng.integers(0, 2) * 0.3 * _drums(length, beat, rng))


def _play(
    sound: Audio, start: int, size: int, pitches_hz: list[float], harmonics: Audio, rng: Random, gain: float
) -> None:
    begin, end = max(0, start), min(len(sound), start + size)
    if end <= begin:
        return
    times = np.arange(begin - start, end - start) / SAMPLE_RATE_HZ
    fade = np.exp(-times * rng.uniform(0.5, 4)) * np.minimum(1, times / 0.01)
    for pitch_hz in pitches_hz:
        for number, strength in enumerate(harmonics, 1):
            sound[begin:end] += gain * strength * fade * np.sin(2 * np.pi * pitch_hz * number * times)


def _drums(length: int, beat: int, rng: Random) -> Audio:
    times = np.arange(length) % (beat // 2)
    return (rng.normal(0, 1, length) * np.exp(-times / (SAMPLE_RATE_HZ * 0.03))).astype(np.float32)


def _times(length: int) -> Audio:
    return np.arange(length) / SAMPLE_RATE_HZ


def _on_off(length: int, rng: Random) -> Audio:
    if rng.random() < 0.35:
        return np.ones(length)
    period_s = rng.uniform(0.1, 2)
    return ((_times(length) / period_s + rng.uniform(0, 1)) % 1 < rng.uniform(0.2, 0.8)).astype(np.float32)


def _gusts(length: int, rng: Random) -> Audio:
    if rng.random() < 0.5:
        return np.ones(length)
    points = max(2, int(length / SAMPLE_RATE_HZ * rng.uniform(1, 5)) + 1)
    return np.interp(np.linspace(0, points - 1, length), range(points), rng.random(points) ** 2)


def _normal(sound: Audio) -> Audio:
    peak = float(np.abs(sound).max(initial=0.0))
    return (sound / peak if peak > 1e-9 else sound).astype(np.float32)


MAKERS: tuple[Maker, ...] = (
    silence,
    coloured_noise,
    coloured_noise,
    hum,
    beeps,
    line_signal,
    keypad,
    sweep,
    knocks,
    breath,
    murmurs,
    murmurs,
    music,
    music,
    music,
)


def any_sound(length: int, rng: Random) -> Audio:
    """One of them, sometimes two at once."""
    sound = MAKERS[rng.integers(len(MAKERS))](length, rng)
    if rng.random() < 0.25:
        sound = sound + rng.uniform(0.05, 0.6) * MAKERS[rng.integers(len(MAKERS))](length, rng)
    return sound.astype(np.float32)
