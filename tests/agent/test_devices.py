"""Which model runs where, and what an owner is told whose GPU is not there."""

import ctranslate2
import onnxruntime
import pytest

from agent.devices import Devices, place
from agent.engine import build_engine
from agent.settings import EngineSettings, Settings, SettingsError
from plugins.errors import DeviceMissing, EngineError, from_code
from plugins.llama.native import c
from plugins.server.slots import ModelSlot

KINDS = ("whisper", "llama", "piper", "embedder")


def test_models_run_on_the_processor_unless_told_otherwise() -> None:
    assert place(EngineSettings()) == Devices(whisper="cpu", llama="cpu", voice="cpu", embedder="cpu")


def test_one_setting_moves_all_models_and_another_keeps_some_back() -> None:
    found = place(EngineSettings(device="cuda", cpu_only="voice, embedder"))
    assert found == Devices(whisper="cuda", llama="cuda", voice="cpu", embedder="cpu")


def test_an_apple_gpu_is_for_the_models_whose_libraries_know_it() -> None:
    assert place(EngineSettings(device="metal")) == Devices(whisper="cpu", llama="metal", voice="cpu", embedder="metal")


def test_a_name_that_is_no_models_is_refused() -> None:
    with pytest.raises(SettingsError, match="ENGINE_CPU_ONLY: piper is no model; whisper, llama, voice, embedder are"):
        place(EngineSettings(device="cuda", cpu_only="piper"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_that_is_not_there_is_said_with_the_setting_that_helps(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("ENGINE_DEVICE", "cuda")
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    monkeypatch.setattr(c, "llama_supports_gpu_offload", lambda: False)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    error = failure(build_engine(Settings()).slots[kind])
    name = "voice" if kind == "piper" else kind
    assert isinstance(error, DeviceMissing)
    assert f"{name} cannot run on" in str(error)
    assert f"ENGINE_CPU_ONLY={name} keeps it on the processor" in str(error)
    assert isinstance(from_code(error.code, str(error)), DeviceMissing)


def failure(slot: ModelSlot[object]) -> EngineError:
    """Why a model does not load."""
    with pytest.raises(EngineError) as raised:
        slot._load()
    return raised.value
