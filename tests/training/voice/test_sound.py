"""Figures that stand for listening."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.voice.sound import band_error_db, decibel, edge_level, level

TIME_S = np.arange(16_000) / 16_000


def tone(frequency_hz: float, amplitude: float = 0.5) -> NDArray[np.int16]:
    return (32768 * amplitude * np.sin(2 * np.pi * frequency_hz * TIME_S)).astype(np.int16)


def test_a_full_scale_tone_lies_three_decibels_under_full_scale() -> None:
    assert decibel(level(tone(440, 0.999))) == pytest.approx(-3.0, abs=0.05)


def test_a_click_at_the_end_is_seen() -> None:
    audio = np.zeros(16_000, np.int16)
    audio[-1] = 16384
    assert edge_level(audio) == pytest.approx(0.5)


def test_the_spectrum_does_not_depend_on_the_level() -> None:
    noise = np.random.default_rng(1).normal(0, 8000, 16_000)
    assert band_error_db(noise.astype(np.int16), (noise / 4).astype(np.int16)) < 0.1


def test_another_timbre_is_far_away() -> None:
    assert band_error_db(tone(440), tone(3300)) > 10
