"""The noises, and reading off the audio and the captions what they did to an answer."""

from collections import Counter

import numpy as np
import pytest

from agent.caller.line import Level
from bench import sounds
from bench.noise import COUNTED, disturbances, longest_gap_ms

RATE_HZ = 16_000


def test_thirty_coughs_and_backchannels_are_counted() -> None:
    kinds = Counter(one.kind for one in disturbances())
    assert sum(kinds[kind] for kind in COUNTED) == 30
    assert kinds["echo"] and kinds["door"] and kinds["typing"]


def test_noise_lasts_as_long_as_wanted_and_is_of_every_kind() -> None:
    stretches = list(sounds.non_speech(60, rate_hz=RATE_HZ))
    assert sum(audio.size for _, audio in stretches) == 60 * RATE_HZ
    assert {kind for kind, _ in stretches} == set(sounds.KINDS)


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_every_noise_is_audible_and_never_clipped(kind: str) -> None:
    audio = sounds.KINDS[kind](np.random.default_rng(1), rate_hz=RATE_HZ, seconds=3.0)
    assert 0.01 <= np.abs(audio).max() < 1.0


def test_the_longest_pause_is_between_two_sounds() -> None:
    levels = [Level(at_s, -20, at_s) for at_s in (1.0, 1.1, 1.6, 1.7)] + [Level(9.0, -90, None)]
    assert longest_gap_ms(levels) == pytest.approx(500)
