import numpy as np
import pytest

from training.audio.espeak import Espeak
from training.audio.speech import SynthesisFailed


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def test_speech_comes_with_the_time_of_every_word(espeak: Espeak) -> None:
    speech = espeak.say("what time is breakfast at the hotel", voice="en-us+m3")

    assert [mark.label for mark in speech.words] == speech.text.split()
    assert all(a.start_s < b.start_s for a, b in zip(speech.words, speech.words[1:], strict=False))
    assert speech.words[-1].end_s == pytest.approx(len(speech.audio) / 16_000)
    assert len(speech.phones) > 15
    assert np.abs(speech.audio).max() > 0.05


def test_voices_differ(espeak: Espeak) -> None:
    lengths = {len(espeak.say("good morning", voice=voice).audio) for voice in ("en-us", "en+f2", "en-gb-scotland+m1")}

    assert len(lengths) > 1


def test_an_unknown_voice_is_refused(espeak: Espeak) -> None:
    with pytest.raises(SynthesisFailed, match="nowhere"):
        espeak.say("hello", voice="nowhere")
