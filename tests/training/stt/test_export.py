from pathlib import Path

import numpy as np
import pytest
import torch
from ctranslate2 import StorageView
from ctranslate2.models import Whisper as Engine
from faster_whisper import WhisperModel

from training.stt.export import export
from training.stt.model import Shape, Whisper
from training.stt.sentences import CALLERS, corpus
from training.stt.tokens import Codec, train_tokenizer


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(train_tokenizer(corpus(CALLERS, size=2000, seed=1)))


@pytest.fixture(scope="module")
def model(codec: Codec) -> Whisper:
    torch.manual_seed(1)
    return Whisper(Shape(vocabulary=codec.size, width=48, encoder_layers=2, decoder_layers=2))


@pytest.fixture(scope="module")
def folder(model: Whisper, codec: Codec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "whisper"
    export(model, codec, path)
    return path


def test_exporting_leaves_the_model_as_it_was(model: Whisper, codec: Codec, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}

    export(model, codec, tmp_path / "again")

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("frames", [60, 100, 3000])
def test_windows_of_any_length_are_accepted(folder: Path, codec: Codec, frames: int) -> None:
    engine = Engine(str(folder), device="cpu", intra_threads=1)
    mel = np.zeros((2, 80, frames), np.float32)

    results = engine.generate(StorageView.from_array(mel), [codec.prompt] * 2, beam_size=1, max_length=8,
                              return_no_speech_prob=True)  # fmt: skip

    assert len(results) == 2
    assert 0.0 <= results[0].no_speech_prob <= 1.0


def test_the_exported_model_says_what_the_trained_one_says(model: Whisper, codec: Codec, tmp_path: Path) -> None:
    export(model, codec, tmp_path / "exact", quantization="float32")
    engine = Engine(str(tmp_path / "exact"), device="cpu", intra_threads=1)
    mel = np.random.default_rng(1).normal(0, 0.5, (1, 80, 200)).astype(np.float32)

    expected = greedy(model, codec, torch.from_numpy(mel), steps=6)
    result = engine.generate(StorageView.from_array(mel), [codec.prompt], beam_size=1, max_length=16)[0]

    assert result.sequences_ids[0][:6] == expected


def greedy(model: Whisper, codec: Codec, mel: torch.Tensor, *, steps: int) -> list[int]:
    ids = list(codec.prompt)
    with torch.no_grad():
        for _ in range(steps):
            ids.append(int(model(mel, torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[2:]


def test_faster_whisper_reads_the_folder_as_an_english_model(folder: Path) -> None:
    whisper = WhisperModel(str(folder), device="cpu", cpu_threads=1)

    segments, info = whisper.transcribe(np.zeros(16_000, np.float32))

    assert info.language == "en"
    assert isinstance(list(segments), list)
