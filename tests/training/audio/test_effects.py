import numpy as np
import pytest

from training.audio import effects
from training.audio.nonspeech import MAKERS, Maker, any_sound

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("codec", ["mu", "a"])
def test_a_telephone_carries_1_khz_and_not_6_khz(codec: str) -> None:
    high = (0.5 * np.sin(2 * np.pi * 6000 * np.arange(RATE) / RATE)).astype(np.float32)

    assert effects.level(effects.telephone(TONE, codec=codec)) == pytest.approx(effects.level(TONE), rel=0.05)
    assert np.abs(effects.telephone(high, codec=codec)).max() < 0.01


@pytest.mark.parametrize("law", [effects.mu_law, effects.a_law])
def test_g711_is_coarse_but_close(law) -> None:
    ramp = np.linspace(-1, 1, 2001, dtype=np.float32)

    assert np.abs(law(ramp) - ramp).max() < 0.05
    assert len(np.unique(law(ramp))) <= 256


def test_noise_is_as_loud_as_asked(rng: np.random.Generator) -> None:
    noise = rng.normal(0, 1, len(TONE)).astype(np.float32)

    mixed = effects.add_noise(TONE, noise, snr_db=20)

    added = float(np.sqrt(np.mean((mixed - TONE) ** 2)))
    assert effects.level(TONE) / added == pytest.approx(10, rel=0.01)


def test_faster_speech_is_shorter() -> None:
    assert len(effects.change_speed(TONE, factor=1.25)) == len(TONE) * 4 // 5


@pytest.mark.parametrize("make", sorted(set(MAKERS), key=lambda make: make.__name__))
def test_sounds_have_the_length_asked_for(make: Maker, rng: np.random.Generator) -> None:
    for length in (1600, 40_001):
        sound = make(length, rng)
        assert sound.shape == (length,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all() and np.abs(sound).max() <= 1.0


def test_two_sounds_at_once_are_still_one(rng: np.random.Generator) -> None:
    assert any_sound(8000, rng).shape == (8000,)
