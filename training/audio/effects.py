"""What happens to speech on its way: rooms, noise, telephones, lost packets. Arrays in, new arrays out.

Audio is mono float32 at 16 kHz. Every function draws from the generator it is given.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve

from training.audio.speech import SAMPLE_RATE_HZ, Audio

Random = np.random.Generator
MU = 255.0
A = 87.6
PACKET = SAMPLE_RATE_HZ // 50
PHONE_BAND_HZ = (300.0, 3400.0)


def scale_to_peak(audio: Audio, *, peak_db: float) -> Audio:
    """Bring the loudest sample to `peak_db` below full scale; silence stays silence."""
    peak = float(np.abs(audio).max(initial=0.0))
    return audio if peak < 1e-6 else (audio * (10 ** (peak_db / 20) / peak)).astype(np.float32)


def level(audio: Audio) -> float:
    """Root mean square of the parts that are not silent."""
    loud = audio[np.abs(audio) > 1e-4]
    return float(np.sqrt(np.mean(loud**2))) if len(loud) else 0.0


def add_noise(audio: Audio, noise: Audio, *, snr_db: float) -> Audio:
    """Mix in `noise` (as long as the audio) `snr_db` below the level of the speech."""
    noise_level = float(np.sqrt(np.mean(noise**2))) if len(noise) else 0.0
    if noise_level < 1e-7:
        return audio
    gain = level(audio) / noise_level * 10 ** (-snr_db / 20)
    return (audio + noise * gain).astype(np.float32)


def change_speed(audio: Audio, *, factor: float) -> Audio:
    """Play `factor` times as fast, pitch included, as a tape does."""
    times = np.arange(int(len(audio) / factor)) * factor
    return np.interp(times, np.arange(len(audio)), audio).astype(np.float32)


def mu_law(audio: Audio) -> Audio:
    """Through G.711 µ-law: 8 bits a sample."""
    squeezed = np.sign(audio) * np.log1p(MU * np.abs(np.clip(audio, -1, 1))) / np.log1p(MU)
    coarse = np.round(squeezed * 127) / 127
    return (np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(MU)) / MU).astype(np.float32)


def a_law(audio: Audio) -> Audio:
    """Through G.711 A-law: 8 bits a sample."""
    size = np.abs(np.clip(audio, -1, 1))
    bend = 1 + np.log(A)
    squeezed = np.where(size < 1 / A, A * size, 1 + np.log(np.maximum(A * size, 1.0))) / bend
    coarse = np.round(squeezed * 127) / 127
    opened = np.where(coarse < 1 / bend, coarse * bend / A, np.exp(coarse * bend - 1) / A)
    return (np.sign(audio) * opened).astype(np.float32)


def telephone(audio: Audio, *, codec: str) -> Audio:
    """8 kHz, 300–3400 Hz, G.711 (`mu` or `a`), and back to 16 kHz."""
    size = _fast_even_length(len(audio))
    spectrum = rfft(audio, size) * _band_gains(size, PHONE_BAND_HZ)
    narrow = irfft(spectrum[: size // 4 + 1], size // 2) / 2
    coded = mu_law(narrow) if codec == "mu" else a_law(narrow)
    wide = np.zeros(size // 2 + 1, np.complex64)
    wide[: size // 4 + 1] = rfft(coded)
    return (irfft(wide, size)[: len(audio)] * 2).astype(np.float32)


def _fast_even_length(length: int) -> int:
    """A length of at least `length` that is quick to transform, four times a whole number."""
    return 4 * next_fast_len((length + 3) // 4, real=True)


def _band_gains(size: int, band_hz: tuple[float, float]) -> NDArray[np.float32]:
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    low, high = band_hz
    gains = 1 / (1 + (low / np.maximum(frequencies, 1.0)) ** 6) / (1 + (frequencies / high) ** 16)
    return gains.astype(np.float32)


def colour(audio: Audio, *, rng: Random, strength_db: float = 8.0) -> Audio:
    """A microphone's own frequency response: a smooth random curve."""
    size = _fast_even_length(len(audio))
    spectrum = rfft(audio, size)
    curve_db = np.interp(np.linspace(0, 6, len(spectrum)), range(7), rng.normal(0, strength_db / 2, 7))
    return irfft(spectrum * 10 ** (curve_db / 20), size)[: len(audio)].astype(np.float32)


def room(audio: Audio, *, rng: Random, reverberation_s: float) -> Audio:
    """In a made-up room: a direct path, then noise that dies away by 60 dB in `reverberation_s`."""
    length = int(reverberation_s * SAMPLE_RATE_HZ)
    times = np.arange(length) / SAMPLE_RATE_HZ
    tail = rng.normal(0, 1, length) * np.exp(-6.9 * times / reverberation_s)
    tail *= rng.uniform(0.1, 0.6) / max(float(np.sqrt(np.sum(tail**2))), 1e-6)
    tail[: rng.integers(16, 200)] = 0
    tail[0] = 1
    return fftconvolve(audio, tail.astype(np.float32))[: len(audio)].astype(np.float32)


def lose_packets(audio: Audio, *, rng: Random, share: float) -> Audio:
    """Some 20 ms packets are missing: silent, or the one before again."""
    received = audio.copy()
    for start in range(PACKET, len(audio) - PACKET, PACKET):
        if rng.random() < share:
            again = received[start - PACKET : start] if rng.random() < 0.6 else np.float32(0)
            received[start : start + PACKET] = again
    return received


def clip(audio: Audio, *, over_db: float) -> Audio:
    """Too loud for the microphone by `over_db`."""
    limit = float(np.abs(audio).max(initial=0.0)) * 10 ** (-over_db / 20)
    return np.clip(audio, -limit, limit)


def fit(sound: NDArray[np.float32], *, length: int, rng: Random) -> Audio:
    """A stretch of exactly `length` samples, repeating the sound where it is too short."""
    repeated = np.tile(sound, length // len(sound) + 2)
    start = int(rng.integers(0, len(repeated) - length))
    return repeated[start : start + length]
