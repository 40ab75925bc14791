"""A Piper voice of random numbers: it hisses for as long as speech would last, at the full cost."""

import json
import warnings
from pathlib import Path

import torch
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from bench.shapes.vits import MEDIUM, Voice, VoiceShape

SAMPLE_RATE_HZ = 22_050
SCALES = {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8}


def write_voice(path: Path, shape: VoiceShape = MEDIUM) -> None:
    """Write the ONNX file and its JSON."""
    path.with_name(path.name + ".json").write_text(json.dumps(_config(shape)))
    torch.manual_seed(0)
    _trace(Voice(shape).eval(), path)


def _trace(voice: Voice, path: Path) -> None:
    example = (torch.randint(1, 100, (1, 50)), torch.tensor([50]), torch.tensor(list(SCALES.values())))
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter is deprecated, but its successor needs one more package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            voice,
            example,
            str(path),
            input_names=["input", "input_lengths", "scales"],
            output_names=["output"],
            dynamic_axes={"input": {1: "phonemes"}, "output": {3: "time"}},
            opset_version=17,
            dynamo=False,
        )


def _config(shape: VoiceShape) -> dict[str, object]:
    return {
        "audio": {"sample_rate": SAMPLE_RATE_HZ, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "inference": SCALES,
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": shape.symbols,
        "num_speakers": 1,
        "speaker_id_map": {},
        "hop_length": shape.hop,
    }
