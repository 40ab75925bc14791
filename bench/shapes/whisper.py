"""A Whisper of random numbers in the shape of base.en, as a CTranslate2 folder."""

import json
from pathlib import Path

import torch

from bench.shapes.pieces import vocabulary
from training.stt.export import export
from training.stt.model import Shape, Whisper
from training.stt.tokens import SPECIAL, TIMESTAMP_STEP_S, TIMESTAMPS, Codec

BASE_EN = Shape(vocabulary=51_864, width=512, heads=8, encoder_layers=6, decoder_layers=6)


def write_whisper(folder: Path, shape: Shape = BASE_EN) -> None:
    """Write the model to `folder` in int8. Its decodes never end by themselves: they are as long as they are told."""
    stamps = (f"<|{number * TIMESTAMP_STEP_S:.2f}|>" for number in range(TIMESTAMPS))
    codec = Codec(vocabulary(shape.vocabulary, special=(*SPECIAL, *stamps)))
    torch.manual_seed(0)
    export(Whisper(shape), codec, folder)
    _never_end(folder / "config.json", codec.end)


def _never_end(config: Path, end: int) -> None:
    config.write_text(json.dumps(json.loads(config.read_text()) | {"suppress_ids": [end]}))
