"""Whisper decodes batches of any lengths, gives word times, and says honestly what is wrong with its folder."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugins.errors import InvalidRequest, ModelCorrupt, ModelMissing
from plugins.whisper.judge import Doubt, Thresholds
from plugins.whisper.model import Decoding, Utterance, WhisperModel
from plugins.whisper.native import Decoded, Native
from plugins.whisper.transcripts import SAMPLE_RATE_HZ
from tests.plugins.whisper.conftest import noise, write_whisper

NEVER = Doubt(0.0, 1.0, 0.0)
CREDULOUS = Decoding(thresholds=Thresholds(NEVER, NEVER, NEVER, NEVER, NEVER))
"""Random weights write gibberish; this takes it for speech."""


@pytest.fixture(scope="module")
def credulous(folder: Path) -> WhisperModel:
    return WhisperModel(folder, threads=1, decoding=CREDULOUS)


def test_each_utterance_gets_a_transcript_in_order(credulous: WhisperModel) -> None:
    lengths = (5.0, 1.0, 6.0, 4.5)
    together = credulous.decode([Utterance(noise(length, seed=3)) for length in lengths])
    assert len(together) == len(lengths)
    assert [transcript.language for transcript in together] == ["en"] * 4


def test_a_batch_hears_what_each_alone_hears(credulous: WhisperModel) -> None:
    batch = [Utterance(noise(5.0, seed=seed)) for seed in range(4)]
    together = credulous.decode(batch)
    alone = [credulous.decode([utterance])[0] for utterance in batch]
    assert [t.text for t in together] == [t.text for t in alone]
    assert [t.no_speech for t in together] == pytest.approx([t.no_speech for t in alone], abs=1e-4)


def test_only_interims_are_decoded_greedily(credulous: WhisperModel, monkeypatch: pytest.MonkeyPatch) -> None:
    beams: list[int] = []
    generate = Native.generate

    def watched(self: Native, *args: Any, beam_size: int, max_tokens: int) -> list[Decoded]:
        beams.append(beam_size)
        return generate(self, *args, beam_size=beam_size, max_tokens=max_tokens)

    monkeypatch.setattr(Native, "generate", watched)
    interim, final = Utterance(noise(2.0), is_interim=True), Utterance(noise(2.0))
    for batch in ([interim, interim], [final], [interim, final]):
        credulous.decode(batch)
    assert beams == [1, 5, 5]


def test_silence_and_nothing_are_not_speech(credulous: WhisperModel) -> None:
    for transcript in credulous.decode([Utterance(np.zeros(SAMPLE_RATE_HZ, np.float32)), Utterance(noise(0.0))]):
        assert not transcript.is_speech
        assert (transcript.text, transcript.words, transcript.confidence) == ("", (), 0.0)


def test_an_empty_batch_is_nothing_to_do(credulous: WhisperModel) -> None:
    assert credulous.decode([]) == []


def test_what_is_judged_not_to_be_speech_gives_no_text(folder: Path) -> None:
    suspicious = Decoding(thresholds=Thresholds(surprise=Doubt(0.0, 0.001, 1.0)))
    (transcript,) = WhisperModel(folder, threads=1, decoding=suspicious).decode(
        [Utterance(noise(3.0), want_words=True)]
    )
    assert not transcript.is_speech
    assert (transcript.text, transcript.words) == ("", ())


@pytest.mark.parametrize("can_align", [True, False])
def test_word_times_lie_in_the_audio_and_grow(tmp_path: Path, can_align: bool) -> None:
    folder = write_whisper(tmp_path / "whisper", can_align=can_align)
    whisper = WhisperModel(folder, threads=1, decoding=CREDULOUS)
    for transcript in whisper.decode([Utterance(noise(length, seed=9), want_words=True) for length in (5.0, 4.0)]):
        assert transcript.words
        assert " ".join(word.text for word in transcript.words).split() == transcript.text.split()
        starts = [word.start_s for word in transcript.words]
        assert starts == sorted(starts)
        assert starts[0] >= 0.0 and transcript.words[-1].end_s <= 5.1


def test_words_are_made_only_when_wanted(credulous: WhisperModel) -> None:
    (transcript,) = credulous.decode([Utterance(noise(5.0, seed=3))])
    assert transcript.is_speech and transcript.words == ()


def test_long_speech_is_decoded_in_windows(credulous: WhisperModel) -> None:
    audio = np.concatenate([noise(25.0, seed=1), np.zeros(SAMPLE_RATE_HZ, np.float32), noise(20.0, seed=2)])
    (transcript,) = credulous.decode([Utterance(audio, want_words=True)])
    assert transcript.words[0].start_s < 25.0
    assert transcript.words[-1].start_s > 25.0


def test_a_decode_is_as_long_as_speech_can_be(folder: Path) -> None:
    short = Decoding(tokens_per_s=2.0, spare_tokens=3, thresholds=CREDULOUS.thresholds)
    whisper = WhisperModel(folder, threads=1, decoding=short)
    (transcript,) = whisper.decode([Utterance(noise(2.0), want_words=True)])
    assert len(transcript.text.encode()) < 40


def test_a_language_is_detected_where_none_is_asked_for(multilingual_folder: Path) -> None:
    whisper = WhisperModel(multilingual_folder, threads=1, decoding=CREDULOUS)
    assert whisper.is_multilingual
    asked, detected = whisper.decode([Utterance(noise(4.0, seed=4), language="ja"), Utterance(noise(4.0, seed=4))])
    assert asked.language == "ja"
    assert detected.language in {"en", "de", "ja"}


def test_an_unknown_language_is_refused(multilingual_folder: Path) -> None:
    whisper = WhisperModel(multilingual_folder, threads=1)
    with pytest.raises(InvalidRequest):
        whisper.decode([Utterance(noise(1.0), language="tlh")])
    with pytest.raises(InvalidRequest):
        whisper.check_language("tlh")
    whisper.check_language("de-AT")
    whisper.check_language(None)


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    (broken / name).unlink()
    with pytest.raises(ModelMissing, match=rf"{name} is missing.*landline models"):
        WhisperModel(broken, threads=1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.bin", b"not a model " * 100),
        ("model.bin", b""),
        ("config.json", b"[]"),
        ("config.json", b"\xff\xfe"),
        ("tokenizer.json", b'{"model"'),
        ("preprocessor_config.json", b'{"feature_size": 128}'),
    ],
)
def test_a_broken_file_is_named(folder: Path, tmp_path: Path, name: str, content: bytes) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    (broken / name).write_bytes(content)
    with pytest.raises(ModelCorrupt, match=rf"{name} cannot be read.*landline models verify"):
        WhisperModel(broken, threads=1)


def test_a_model_cut_short_is_named(folder: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    weights = (broken / "model.bin").read_bytes()
    (broken / "model.bin").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelCorrupt, match=r"model\.bin"):
        WhisperModel(broken, threads=1)
