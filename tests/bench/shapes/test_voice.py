"""A voice of random numbers hisses audibly for about as long as speech lasts, and tells when each word is."""

import numpy as np
import pytest

from bench.shapes.vits import MEDIUM, Voice, VoiceShape
from bench.shapes.voice import SAMPLE_RATE_HZ, write_voice
from plugins.piper.model import PiperModel

TEXT = "Breakfast is served in the bright room"
TINY = VoiceShape(width=32, hidden=64, layers=1, flows=1, decoder_width=32)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> PiperModel:
    path = tmp_path_factory.mktemp("voice") / "voice.onnx"
    write_voice(path, TINY)
    return PiperModel(path, threads=1)


def samples(voice: PiperModel, *, speed: float = 1.0) -> int:
    return sum(piece.audio.size for piece in voice.synthesize(TEXT, speed=speed))


def test_it_is_heard_for_as_long_as_the_words_take(voice: PiperModel) -> None:
    assert 0.15 < samples(voice) / SAMPLE_RATE_HZ / len(TEXT.split()) < 0.45
    assert np.abs(next(voice.synthesize(TEXT)).audio[:2000]).max() > 3000


def test_it_comes_in_pieces_with_every_word_in_its_place(voice: PiperModel) -> None:
    pieces = list(voice.synthesize(TEXT))
    assert len(pieces) > 1
    assert [word.text for piece in pieces for word in piece.words] == TEXT.split()


def test_the_medium_shape_has_as_many_numbers_as_a_medium_voice() -> None:
    assert sum(weights.numel() for weights in Voice(MEDIUM).parameters()) == pytest.approx(15.7e6, rel=0.02)


def test_a_voice_is_as_fast_as_it_is_asked_to_be(voice: PiperModel) -> None:
    assert samples(voice, speed=0.5) > 1.4 * samples(voice)
