"""An exported voice is a Piper voice: it loads, speaks, tells the times of its phonemes, and obeys length_scale."""

import json
import math
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from piper import AudioChunk, PiperVoice, SynthesisConfig

from training.voice.calibration import Calibration
from training.voice.corpus import HOP
from training.voice.export import export, teach_unseen
from training.voice.model import Voice

FRAMES_A_PHONEME = 6
TEXT = "Hello, we open at seven thirty."


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained voice that gives every phoneme the same time."""
    torch.manual_seed(1)
    voice = Voice(width=16, encoder_blocks=1, decoder_blocks=1)
    last = voice.length[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, math.log(1 + FRAMES_A_PHONEME))
    path = tmp_path_factory.mktemp("voice") / "small.onnx"
    export(voice, path, calibration=Calibration())
    return path


@pytest.fixture(scope="module")
def voice(exported: Path) -> PiperVoice:
    return PiperVoice.load(exported)


def speak(voice: PiperVoice, text: str, *, length_scale: float = 1.0) -> list[AudioChunk]:
    config = SynthesisConfig(length_scale=length_scale, normalize_audio=False)
    return list(voice.synthesize(text, config, include_alignments=True))


def test_it_speaks(voice: PiperVoice) -> None:
    (chunk,) = speak(voice, TEXT)
    assert chunk.sample_rate == 16_000
    assert np.abs(chunk.audio_float_array).max() > 0


def test_phonemes_account_for_every_sample(voice: PiperVoice) -> None:
    (chunk,) = speak(voice, TEXT)
    assert chunk.phoneme_alignments is not None
    assert "".join(phoneme.phoneme for phoneme in chunk.phoneme_alignments[1:4]) == "həl"
    assert sum(phoneme.num_samples for phoneme in chunk.phoneme_alignments) == len(chunk.audio_int16_array)


def test_pads_take_no_time(voice: PiperVoice) -> None:
    (chunk,) = speak(voice, TEXT)
    assert chunk.phoneme_id_samples is not None
    assert set(chunk.phoneme_id_samples[1::2].tolist()) == {0}
    assert set(chunk.phoneme_id_samples[::2].tolist()) == {FRAMES_A_PHONEME * HOP}


@pytest.mark.parametrize("length_scale", [0.5, 2.0])
def test_length_scale_stretches_every_phoneme(voice: PiperVoice, length_scale: float) -> None:
    (natural,), (scaled,) = speak(voice, TEXT), speak(voice, TEXT, length_scale=length_scale)
    assert len(scaled.audio_int16_array) == length_scale * len(natural.audio_int16_array)


@pytest.mark.parametrize("text", ["a", "7:30, $4.50 & 20 %", "naïve Zoë 日本 ❤", "((--))", "x" * 300])
def test_any_text_is_spoken_or_passed_over(voice: PiperVoice, text: str) -> None:
    assert all(np.isfinite(chunk.audio_float_array).all() for chunk in speak(voice, text))


def test_pipers_own_wav_writer_takes_it(voice: PiperVoice, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "hello.wav"), "wb") as file:
        voice.synthesize_wav("Hello. How are you?", file)
    with wave.open(str(tmp_path / "hello.wav")) as file:
        assert file.getframerate() == 16_000
        assert file.getnframes() > 0


def test_its_settings_stand_beside_it(exported: Path) -> None:
    settings = json.loads(exported.with_name("small.onnx.json").read_text())
    assert settings["hop_length"] == HOP
    assert [path.name for path in sorted(exported.parent.iterdir())] == ["small.onnx", "small.onnx.json"]


def test_symbols_never_trained_sound_like_their_nearest_relative() -> None:
    voice = Voice(width=16, encoder_blocks=1, decoder_blocks=1)
    seen, nasal, unused = 26, 82, 200
    teach_unseen(voice, seen={seen})
    assert torch.equal(voice.embedding.weight[nasal], voice.embedding.weight[seen])
    assert torch.equal(voice.embedding.weight[unused], voice.embedding.weight[0])
