"""A Piper voice speaks clause by clause, with word times, clean joints and honest errors."""

import json
from pathlib import Path

import numpy as np
import pytest

from plugins.errors import ModelCorrupt, ModelMissing
from plugins.piper.audio import trim
from plugins.piper.model import PiperModel
from tests.plugins.piper.conftest import RATE_HZ, write_voice


def loud(audio: np.ndarray, start_s: float, end_s: float) -> float:
    """The loudest sample of a stretch, as a share of full scale."""
    return float(np.abs(audio[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]).max(initial=0)) / 32768


def test_a_text_is_spoken_clause_by_clause(model: PiperModel) -> None:
    pieces = list(model.synthesize("The pool is warm today, and the sauna is hot. Come and see!"))
    assert [piece.text for piece in pieces] == ["The pool is warm today,", " and the sauna is hot.", " Come and see!"]


def test_the_first_clause_needs_nothing_of_the_rest(model: PiperModel) -> None:
    first = next(model.synthesize("The pool is warm, " + "and so on and so forth, " * 100))
    assert first.text == "The pool is warm,"


def test_audio_is_16_bit_at_the_voices_rate(model: PiperModel) -> None:
    (piece,) = model.synthesize("Hello there.")
    assert piece.audio.dtype == np.int16
    assert model.sample_rate_hz == RATE_HZ
    assert 0.8 < np.abs(piece.audio).max() / 32768 <= 0.91


def test_words_are_the_written_ones_where_the_voice_sounds(model: PiperModel) -> None:
    (piece,) = model.synthesize("Breakfast costs €12.50 at 7:30 am.")
    assert [word.text for word in piece.words] == ["Breakfast", "costs", "€12.50", "at", "7:30", "am."]
    for word in piece.words:
        assert loud(piece.audio, word.start_s, word.end_s) > 0.5
    for before, after in zip(piece.words, piece.words[1:], strict=False):
        assert before.end_s <= after.start_s + 0.001


def test_without_durations_in_the_voice_words_are_spread_over_the_speech(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.piper.voice._with_alignments", lambda path: None)
    voice = PiperModel(write_voice(tmp_path / "plain.onnx", with_durations=False), threads=1)
    (piece,) = voice.synthesize("The garden is open.")
    assert [word.text for word in piece.words] == ["The", "garden", "is", "open."]
    assert piece.words[0].start_s < 0.1
    assert piece.words[-1].end_s <= piece.audio.size / RATE_HZ


def test_durations_are_found_in_a_voice_that_does_not_give_them_out(tmp_path: Path, model: PiperModel) -> None:
    plain = PiperModel(write_voice(tmp_path / "plain.onnx", with_durations=False), threads=1)
    text = "The garden is open."
    assert next(plain.synthesize(text)).words == next(model.synthesize(text)).words


def test_double_speed_takes_about_half_as_long(model: PiperModel) -> None:
    (usual,), (fast,) = (
        model.synthesize("Hello there my friend."),
        model.synthesize("Hello there my friend.", speed=2.0),
    )
    assert fast.audio.size == pytest.approx(usual.audio.size / 2, rel=0.1)


@pytest.mark.parametrize("text", ["", "   ", "😀", "...", "**"])
def test_what_says_nothing_gives_no_audio(model: PiperModel, text: str) -> None:
    assert list(model.synthesize(text)) == []


@pytest.mark.parametrize("text", ["x" * 2000, "[[raw]] \x00\x07", "ß ø 漢字 и кот", "-" * 500, "1" * 300])
def test_odd_text_is_survived(model: PiperModel, text: str) -> None:
    assert all(piece.audio.size for piece in model.synthesize(text))


def test_joints_begin_and_end_in_silence(model: PiperModel) -> None:
    for piece in model.synthesize("The pool is warm today, and the sauna is hot. Come and see!"):
        assert abs(int(piece.audio[0])) < 330
        assert piece.audio[-1] == 0


def test_pauses_follow_the_punctuation(model: PiperModel) -> None:
    comma, stop = list(model.synthesize("The pool is warm today, and the sauna is hot."))
    assert loud(comma.audio[::-1], 0.0, 0.13) == 0.0
    assert loud(stop.audio[::-1], 0.0, 0.27) == 0.0
    assert loud(comma.audio[::-1], 0.0, 0.25) > 0.0


def test_trimming_tells_how_much_was_cut_from_the_start() -> None:
    audio = np.concatenate([np.zeros(1000), np.ones(1000), np.zeros(1000)]).astype(np.float32)
    trimmed, cut = trim(audio, sample_rate_hz=1000, pause_s=0.1)
    assert cut == 985
    assert trimmed.size == 15 + 1000 + 19 + 100


def test_silence_is_trimmed_to_the_pause() -> None:
    trimmed, _ = trim(np.zeros(5000, np.float32), sample_rate_hz=1000, pause_s=0.2)
    assert trimmed.size == 200


def test_a_missing_voice_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"nobody\.onnx is missing.*landline models"):
        PiperModel(tmp_path / "nobody.onnx", threads=1)


def test_a_missing_description_is_named(tmp_path: Path) -> None:
    path = write_voice(tmp_path / "voice.onnx")
    Path(f"{path}.json").unlink()
    with pytest.raises(ModelMissing, match=r"voice\.onnx\.json is missing"):
        PiperModel(path, threads=1)


@pytest.mark.parametrize("content", [b"", b"not a graph at all", b"\x00" * 4096])
def test_a_broken_voice_is_named(tmp_path: Path, content: bytes) -> None:
    path = write_voice(tmp_path / "voice.onnx")
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"voice\.onnx cannot be read.*landline models verify"):
        PiperModel(path, threads=1)


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"audio": {}})])
def test_a_broken_description_is_named(tmp_path: Path, content: str) -> None:
    path = write_voice(tmp_path / "voice.onnx")
    Path(f"{path}.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelCorrupt, match=r"voice\.onnx\.json cannot be read"):
        PiperModel(path, threads=1)
