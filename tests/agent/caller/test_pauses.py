"""Hesitation in scripted speech."""

import numpy as np

from agent.caller.pauses import with_pauses, without_pauses
from agent.caller.script import Say, said
from plugins.audio import Float

RATE_HZ = 1000


def speak(text: str) -> Float:
    """A tenth of a second of tone for each word, with silence around it as synthesizers leave it."""
    quiet = np.zeros(50, np.float32)
    return np.concatenate([quiet, np.full(100 * len(text.split()), 0.5, np.float32), quiet])


def test_a_pause_is_as_long_as_it_says() -> None:
    audio = with_pauses("how much is [0.6] a massage", speak, sample_rate_hz=RATE_HZ)
    assert audio.size == 300 + 600 + 200
    assert not audio[300:900].any()


def test_text_without_pauses_is_spoken_as_ever() -> None:
    assert with_pauses("how much", speak, sample_rate_hz=RATE_HZ).size == 300


def test_a_report_names_the_words_alone() -> None:
    assert without_pauses("how much is [0.6] a massage [1]") == "how much is a massage"
    assert said(Say("a [0.5] b")) == "a b"
