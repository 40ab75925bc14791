"""A voice in Piper's real format that hums: each phoneme is 80 ms of a tone of its own, each pad 10 ms of nothing."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from plugins.piper.model import PiperModel

RATE_HZ = 16_000
HOP = 16
FRAMES = 80
PAD_FRAMES = 10
MARKS = "^$_ .,;:!?ˈˌ"


def frames_of_ids() -> np.ndarray:
    """Frames of 1 ms that each phoneme id lasts."""
    frames = np.full(256, float(FRAMES), np.float32)
    for mark in MARKS:
        frames[DEFAULT_PHONEME_ID_MAP[mark]] = float(PAD_FRAMES)
    return frames


def humming_graph(*, with_durations: bool) -> onnx.ModelProto:
    """ids → durations → a 440 Hz tone, silent wherever a pad, a space or a mark is."""
    frames = frames_of_ids()
    loudness = np.where(frames == FRAMES, 0.5, 0.0).astype(np.float32)
    constants = {
        "frames": frames,
        "loudness": loudness,
        "hop": np.array(HOP, np.float32),
        "zero": np.array(0),
        "one": np.array(1),
        "axis": np.array(0),
        "first": np.array([0]),
        "step": np.array(440 * 2 * np.pi / RATE_HZ, np.float32),
        "two": np.array([1, 1, -1]),
        "batch": np.array([0]),
    }
    nodes = [
        helper.make_node("Gather", ["scales", "one"], ["length_scale"]),
        helper.make_node("Squeeze", ["input", "first"], ["ids"]),
        helper.make_node("Gather", ["frames", "ids"], ["base"]),
        helper.make_node("Mul", ["base", "length_scale"], ["scaled"]),
        helper.make_node("Cast", ["input_lengths"], ["lengths"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["lengths", "zerof"], ["nothing"]),
        helper.make_node("Add", ["scaled", "nothing"], ["kept"]),
        helper.make_node("Ceil", ["kept"], ["durations"]),
        helper.make_node("Mul", ["durations", "hop"], ["samples"]),
        helper.make_node("CumSum", ["samples", "axis"], ["ends"]),
        helper.make_node("ReduceSum", ["samples"], ["total"], keepdims=0),
        helper.make_node("Cast", ["total"], ["count"], to=TensorProto.INT64),
        helper.make_node("Range", ["zero", "count", "one"], ["clock"]),
        helper.make_node("Cast", ["clock"], ["time"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["time", "one_axis"], ["column"]),
        helper.make_node("GreaterOrEqual", ["column", "ends"], ["passed"]),
        helper.make_node("Cast", ["passed"], ["passed_numbers"], to=TensorProto.INT64),
        helper.make_node("ReduceSum", ["passed_numbers", "one_axis"], ["index"], keepdims=0),
        helper.make_node("Gather", ["loudness", "ids"], ["levels"]),
        helper.make_node("Gather", ["levels", "index"], ["level"]),
        helper.make_node("Mul", ["time", "step"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["tone"]),
        helper.make_node("Mul", ["tone", "level"], ["wave"]),
        helper.make_node("Reshape", ["wave", "shape"], ["output"]),
    ]
    constants |= {"zerof": np.array(0, np.float32), "one_axis": np.array([1]), "shape": np.array([1, 1, -1])}
    used = {name for node in nodes for name in node.input}
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, None])]
    if with_durations:
        outputs.append(helper.make_tensor_value_info("durations", TensorProto.FLOAT, [None]))
    graph = helper.make_graph(
        nodes,
        "hum",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def write_voice(path: Path, *, with_durations: bool = True) -> Path:
    """A `.onnx` and `.onnx.json` pair."""
    onnx.save(humming_graph(with_durations=with_durations), str(path))
    settings = {
        "num_symbols": 256,
        "num_speakers": 1,
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "hop_length": HOP,
    }
    Path(f"{path}.json").write_text(json.dumps(settings), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def voice_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("voice") / "hum.onnx")


@pytest.fixture(scope="session")
def model(voice_path: Path) -> PiperModel:
    return PiperModel(voice_path, threads=1)
