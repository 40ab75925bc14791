"""Figures that stand for listening: level, silence at the ends, spectrum against the teacher's."""

import numpy as np
from numpy.typing import NDArray

from training.voice.flite import SAMPLE_RATE_HZ

FULL_SCALE = 32768.0
EDGE_S = 0.005
BANDS_HZ = (100, 300, 600, 1000, 1500, 2200, 3000, 4000, 5200, 6500, 7800)
_WINDOW = 512
_QUIETEST = 1e-6
_SPEECH_SHARE = 0.1
"""A frame counts as speech above this share of the loudest 5 % of frames."""

Audio = NDArray[np.int16]


def decibel(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, _QUIETEST)))


def level(audio: Audio) -> float:
    """Root mean square, full scale 1."""
    return float(np.sqrt(np.mean(np.square(audio / FULL_SCALE))))


def edge_level(audio: Audio) -> float:
    """Largest sample of the first and last 5 ms, full scale 1: what a listener hears as a click where pieces join."""
    edge = round(EDGE_S * SAMPLE_RATE_HZ)
    return float(np.abs(np.concatenate([audio[:edge], audio[-edge:]]) / FULL_SCALE).max())


def band_levels_db(audio: Audio) -> NDArray[np.float64]:
    """Mean level of each band of `BANDS_HZ` over the frames that hold speech, relative to their sum."""
    frames = audio[: len(audio) // _WINDOW * _WINDOW].reshape(-1, _WINDOW) / FULL_SCALE
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW))) ** 2
    loudness = np.sqrt(power.sum(1))
    spoken = power[loudness > _SPEECH_SHARE * np.quantile(loudness, 0.95)].mean(0)
    edges = np.searchsorted(np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE_HZ), BANDS_HZ)
    bands = np.array([spoken[low:high].sum() for low, high in zip(edges[:-1], edges[1:], strict=True)])
    return 10 * np.log10(bands / bands.sum() + _QUIETEST**2)


def band_error_db(audio: Audio, reference: Audio) -> float:
    """Mean absolute difference of the band levels of two recordings of the same texts."""
    return float(np.abs(band_levels_db(audio) - band_levels_db(reference)).mean())
