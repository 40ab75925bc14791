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
    constants = {
        "frames": frames,
        "loudness": np.where(frames == FRAMES, 0.5, 0.0).astype(np.float32),
        "hop": np.array(HOP, np.float32),
        "step": np.array(440 * 2 * np.pi / RATE_HZ, np.float32),
        "nothing": np.array(0, np.float32),
        "zero": np.array(0),
        "one": np.array(1),
        "axis": np.array([0]),
        "shape": np.array([1, 1, -1]),
    }
    steps = [
        ("Gather", ["scales", "one"], "length_scale", {}),
        ("Squeeze", ["input", "axis"], "ids", {}),
        ("Gather", ["frames", "ids"], "usual", {}),
        ("Mul", ["usual", "length_scale"], "scaled", {}),
        ("Cast", ["input_lengths"], "lengths", {"to": TensorProto.FLOAT}),
        ("Mul", ["lengths", "nothing"], "unused", {}),
        ("Add", ["scaled", "unused"], "kept", {}),
        ("Ceil", ["kept"], "durations", {}),
        ("Mul", ["durations", "hop"], "samples", {}),
        ("CumSum", ["samples", "zero"], "ends", {}),
        ("Cast", ["ends"], "end_indices", {"to": TensorProto.INT64}),
        ("ReduceMax", ["end_indices"], "count", {"keepdims": 0}),
        ("Add", ["count", "one"], "room", {}),
        ("Range", ["zero", "room", "one"], "places", {}),
        ("Mul", ["places", "zero"], "blank", {}),
        ("Mul", ["ids", "zero"], "no_ids", {}),
        ("Add", ["no_ids", "one"], "ones", {}),
        ("ScatterElements", ["blank", "end_indices", "ones"], "marks", {"reduction": "add"}),
        ("CumSum", ["marks", "zero"], "passed", {}),
        ("Range", ["zero", "count", "one"], "clock", {}),
        ("Gather", ["passed", "clock"], "index", {}),
        ("Gather", ["loudness", "ids"], "levels", {}),
        ("Gather", ["levels", "index"], "level", {}),
        ("Cast", ["clock"], "time", {"to": TensorProto.FLOAT}),
        ("Mul", ["time", "step"], "phase", {}),
        ("Sin", ["phase"], "tone", {}),
        ("Mul", ["tone", "level"], "wave", {}),
        ("Reshape", ["wave", "shape"], "output", {}),
    ]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, None])]
    if with_durations:
        outputs.append(helper.make_tensor_value_info("durations", TensorProto.FLOAT, [None]))
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in steps],
        "hum",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def upsampling_graph() -> onnx.ModelProto:
    """The humming voice made as a VITS is: a latent for every frame, then convolutions up to samples."""
    model = humming_graph(with_durations=False)
    graph = model.graph
    rng = np.random.default_rng(0)
    weights = {
        "as_latent": np.array([1, 1, -1]),
        "enter": rng.normal(0, 0.5, (4, 1, 7)).astype(np.float32),
        "up": rng.normal(0, 0.5, (4, 3, 2 * HOP)).astype(np.float32),
        "leave": rng.normal(0, 0.1, (1, 3, 5)).astype(np.float32),
    }
    layers = [
        ("Reshape", ["level", "as_latent"], "latent", {}),
        ("Conv", ["latent", "enter"], "entered", {"pads": [3, 3]}),
        ("LeakyRelu", ["entered"], "bent", {}),
        ("ConvTranspose", ["bent", "up"], "upped", {"strides": [HOP], "pads": [HOP // 2, HOP // 2]}),
        ("Conv", ["upped", "leave"], "left", {"pads": [2, 2]}),
        ("Tanh", ["left"], "bounded", {}),
        ("Reshape", ["bounded", "shape"], "output", {}),
    ]
    kept = [node for node in graph.node if node.output[0] not in ("time", "phase", "tone", "wave", "output")]
    made = [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in layers]
    constants = {weight.name: weight for weight in graph.initializer}
    constants["hop"] = numpy_helper.from_array(np.array(1, np.float32), "hop")  # the clock counts frames
    constants |= {name: numpy_helper.from_array(value, name) for name, value in weights.items()}
    del graph.node[:], graph.initializer[:]
    graph.node.extend([*kept, *made])
    graph.initializer.extend(constants.values())
    return model


def write_voice(path: Path, *, with_durations: bool = True, graph: onnx.ModelProto | None = None) -> Path:
    """A `.onnx` and `.onnx.json` pair."""
    onnx.save(graph or humming_graph(with_durations=with_durations), str(path))
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
