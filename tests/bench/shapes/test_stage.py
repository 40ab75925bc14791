"""The models are made once, and the machine runs with them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.caller.script import CallScript, Say
from agent.settings import load
from bench.shapes import build as building
from bench.shapes import stage
from bench.shapes.build import Shapes, build
from bench.shapes.script import Script


def write(name: str) -> Callable[..., None]:
    """A stand-in that writes one small file."""

    def into(folder: Path, *_: object) -> None:
        (folder / name).write_text("weights")

    return into


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, name in (("whisper", "model.bin"), ("llama", "model.gguf"), ("voice", "voice.onnx")):
        monkeypatch.setattr(building, f"_write_{kind}", write(name))


@pytest.mark.usefixtures("small")
def test_models_are_made_once_each_with_a_line(tmp_path: Path) -> None:
    told: list[str] = []
    shapes = build(folder=tmp_path, tell=told.append)
    assert build(folder=tmp_path, tell=told.append) == shapes
    assert [line.split()[1] for line in told] == ["whisper-base.en", "qwen2.5-0.5b", "piper-medium"]
    assert shapes.llama.is_file() and shapes.voice.is_file() and shapes.whisper.is_dir()


@pytest.mark.usefixtures("small")
def test_the_larger_language_model_lies_beside_the_smaller(tmp_path: Path) -> None:
    assert build("0.5b", folder=tmp_path).llama != build("1.5b", folder=tmp_path).llama


def test_a_model_that_could_not_be_made_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> None:
        (folder / "model.bin").write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(building, "_write_whisper", fail)
    with pytest.raises(OSError, match="disk full"):
        build(folder=tmp_path)
    assert not (tmp_path / "whisper-base.en").exists()


def test_the_machine_runs_with_the_shapes_and_an_engine_that_knows_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "SCRIPT", tmp_path / "script.npz")
    shapes = Shapes(tmp_path / "whisper", tmp_path / "llama.gguf", tmp_path / "voice.onnx")
    members = stage.Stage(shapes, mode="free").members(load(), CallScript([Say("can i bring my dog")]))
    by_name = {part.name: part for part in members}
    assert "engine-of-shapes" in by_name["engine"].arguments
    assert "engine-of-shapes" not in by_name["worker-1"].arguments
    assert by_name["worker-1"].environment["MODELS_LLAMA"] == str(shapes.llama)
    assert by_name["engine"].environment["ANSWER_MODE"] == "free"
    assert isinstance(Script.load(tmp_path / "script.npz"), Script)
