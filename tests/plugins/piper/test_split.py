"""A voice in halves says the same as the whole, a piece at a time."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from plugins.audio import Float
from plugins.piper import voice as voices
from plugins.piper.audio import LEAD_IN_S, LEAD_OUT_S
from plugins.piper.model import PiperModel
from plugins.piper.split import Sounding, halve
from plugins.piper.stepwise import Level, StepwiseVoice, cut_to_speech
from tests.plugins.piper.conftest import HOP, RATE_HZ, humming_graph, upsampling_graph, write_voice

TEXT = "The garden is open until nine in the evening."


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("halves") / "voice.onnx", graph=upsampling_graph())


@pytest.fixture(scope="module")
def stepwise(path: Path) -> PiperModel:
    return PiperModel(path, threads=1)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_pieces_are_the_whole_sample_for_sample() -> None:
    halves = halve(upsampling_graph())
    assert halves
    second = session(halves.sounding)
    sounding = Sounding(second, width=halves.width)
    latent = np.random.default_rng(5).standard_normal((1, halves.width, 333)).astype(np.float32)
    (whole,) = second.run(None, {second.get_inputs()[0].name: latent})
    pieces = list(sounding.decode(latent))
    assert sounding.hop == HOP
    assert len(pieces) > 3
    np.testing.assert_allclose(np.concatenate(pieces), np.asarray(whole).reshape(-1), atol=1e-5)


def test_a_voice_made_in_another_way_has_no_halves() -> None:
    assert halve(humming_graph(with_durations=True)) is None


def test_the_first_piece_comes_long_before_the_clause_is_done(stepwise: PiperModel) -> None:
    pieces = list(stepwise.synthesize(TEXT))
    lengths = [piece.audio.size for piece in pieces]
    assert lengths[0] < sum(lengths) / 4
    assert {piece.text for piece in pieces} == {TEXT}


def test_every_word_comes_once_with_the_piece_that_it_begins_in(stepwise: PiperModel) -> None:
    pieces = list(stepwise.synthesize(TEXT))
    assert [word.text for piece in pieces for word in piece.words] == TEXT.split()
    for piece in pieces:
        assert all(0 <= word.start_s < piece.audio.size / RATE_HZ for word in piece.words)


def test_words_are_heard_when_the_whole_voice_says_them(
    stepwise: PiperModel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "_stepwise", lambda path, config, opening: None)
    whole = PiperModel(path, threads=1)
    (expected,) = whole.synthesize(TEXT)
    at_s, starts = 0.0, list[float]()
    for piece in stepwise.synthesize(TEXT):
        starts += [at_s + word.start_s for word in piece.words]
        at_s += piece.audio.size / RATE_HZ
    np.testing.assert_allclose(starts, [word.start_s for word in expected.words], atol=0.03)
    assert at_s == pytest.approx(expected.audio.size / RATE_HZ, abs=0.05)


def test_clauses_are_about_as_loud_as_each_other(stepwise: PiperModel) -> None:
    peaks = [
        max(int(np.abs(piece.audio).max(initial=0)) for piece in stepwise.synthesize(text))
        for text in ("Good evening.", "The garden is open.", "Yes.")
    ]
    assert min(peaks) > 0.3 * max(peaks)


def test_two_clauses_at_once_do_not_mix(stepwise: PiperModel) -> None:
    one, other = stepwise.synthesize(TEXT), stepwise.synthesize("Yes.")
    first = next(one)
    assert "".join(piece.text for piece in other if piece.words) == "Yes."
    assert [word.text for piece in [first, *one] for word in piece.words] == TEXT.split()


def test_silence_around_the_speech_is_cut_wherever_the_pieces_end() -> None:
    audio = np.ones(RATE_HZ, np.float32)
    kept = np.concatenate(
        list(cut_to_speech(_cut(audio, 777), start_s=0.2, end_s=0.5, sample_rate_hz=RATE_HZ, pause_s=0.1))
    )
    assert kept.size == round((0.3 + LEAD_IN_S + LEAD_OUT_S + 0.1) * RATE_HZ)
    assert kept[0] == 0.0 and kept[-1] == 0.0
    assert kept[round(0.1 * RATE_HZ)] == 1.0


def _cut(audio: Float, size: int) -> list[Float]:
    return [audio[start : start + size] for start in range(0, audio.size, size)]


def test_one_shout_does_not_make_all_later_clauses_quiet() -> None:
    level = Level()
    for peak in (1.0, *[0.5] * 20):
        level.hear(peak)
    assert level.peak == 0.5


def test_the_halves_are_used_where_there_are_any(path: Path) -> None:
    assert isinstance(voices.load_voice(path, threads=1, device="cpu"), StepwiseVoice)
