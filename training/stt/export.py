"""From the trained network to a CTranslate2 folder that also faster-whisper reads."""

import json
import shutil
import tempfile
from copy import deepcopy
from pathlib import Path

import torch
from ctranslate2.converters.transformers import WhisperLoader
from ctranslate2.specs.whisper_spec import WhisperSpec
from torch import nn

from training.stt.model import GUIDED_HEAD, MEL_BANDS, Whisper
from training.stt.tokens import Codec

FEATURES = {"chunk_length": 30, "feature_size": MEL_BANDS, "hop_length": 160, "n_fft": 400, "sampling_rate": 16000}


def export(model: Whisper, codec: Codec, folder: Path, *, quantization: str = "int8") -> None:
    """Write `model` to `folder`, replacing what is there in one move."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        _write(model, codec, Path(draft), quantization)
        folder.mkdir(exist_ok=True)
        for path in Path(draft).iterdir():
            shutil.move(path, folder / path.name)


@torch.no_grad()
def _write(model: Whisper, codec: Codec, folder: Path, quantization: str) -> None:
    spec = specification(deepcopy(model), codec)  # quantizing writes into the tensors it is given
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    codec.tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps(FEATURES))


def specification(model: Whisper, codec: Codec) -> WhisperSpec:
    """The weights as CTranslate2 names them."""
    shape = model.shape
    spec = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    loader = WhisperLoader()
    loader.set_encoder(spec.encoder, model.encoder)
    loader.set_decoder(spec.decoder, model.decoder)
    loader.set_linear(spec.decoder.projection, _projection(model))
    spec.register_vocabulary(codec.vocabulary())
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [codec.tokenizer.token_to_id("<|en|>")]
    spec.config.alignment_heads = [(layer, GUIDED_HEAD) for layer in range(shape.decoder_layers)]
    return spec


def _projection(model: Whisper) -> nn.Linear:
    embeddings = model.decoder.embed_tokens.weight
    linear = nn.Linear(embeddings.shape[1], embeddings.shape[0], bias=False)
    linear.weight = embeddings
    return linear
