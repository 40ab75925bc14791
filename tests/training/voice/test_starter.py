"""The voice that ships with the project."""

from pathlib import Path

import numpy as np
import pytest

from training.voice.evaluate import OneCoreVoice
from training.voice.sound import edge_level

STARTER = Path(__file__).parents[3] / "models" / "starter" / "voice.onnx"


@pytest.fixture(scope="module")
def voice() -> OneCoreVoice:
    return OneCoreVoice(STARTER)


@pytest.mark.parametrize(
    "text", ["Yes.", "Breakfast is from 7:30 to 10,", "It costs $12.50 per night; is that all right?"]
)
def test_every_clause_ends_in_silence_and_never_clips(voice: OneCoreVoice, text: str) -> None:
    audio = voice.speak(text)
    assert 2_000 < int(np.abs(audio.astype(np.int32)).max()) < 32_000
    assert edge_level(audio) < 0.01


def test_longer_texts_take_longer_and_every_phoneme_has_its_time(voice: OneCoreVoice) -> None:
    (short,), (long,) = voice.chunks("We open at nine."), voice.chunks("We open at nine in the morning.")
    assert len(long.audio_int16_array) > 1.3 * len(short.audio_int16_array)
    assert sum(phoneme.num_samples for phoneme in long.phoneme_alignments or ()) == len(long.audio_int16_array)


def test_a_larger_length_scale_speaks_more_slowly(voice: OneCoreVoice) -> None:
    (natural,), (slow,) = voice.chunks("We open at nine."), voice.chunks("We open at nine.", length_scale=1.5)
    assert len(slow.audio_int16_array) == pytest.approx(1.5 * len(natural.audio_int16_array), rel=0.05)
