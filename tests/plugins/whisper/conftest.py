"""Whisper folders in the real format with random weights: they hear nothing right, but everything around them works."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ctranslate2.specs.whisper_spec import WhisperSpec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from plugins.whisper.transcripts import SAMPLE_RATE_HZ, Float

WIDTH, HEADS, LAYERS, BANDS = 16, 2, 2, 80
ENGLISH_ONLY = 300
MULTILINGUAL = 301
"""CTranslate2 tells a multilingual vocabulary by its empty token, not by its size."""
SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|ja|>", "<|translate|>", "<|transcribe|>",
           "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")  # fmt: skip
WRITABLE = re.compile(r"[a-zĠ]|<\|endoftext\|>")
"""Only letters and spaces are ever written, and nothing ends before it began."""
LANGUAGES = ("<|en|>", "<|de|>", "<|ja|>")


def make_tokenizer(size: int) -> Tokenizer:
    """Bytes, then filler, then Whisper's special tokens at the end of `size` tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    filler = [f"w{index}" for index in range(size - len(letters) - len(SPECIAL))]
    if size == MULTILINGUAL:
        filler[-1] = ""
    vocabulary = {token: index for index, token in enumerate([*letters, *filler])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def write_whisper(folder: Path, *, vocabulary: int = ENGLISH_ONLY, can_align: bool = True) -> Path:
    """A folder as the converters write it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(vocabulary)
    tokens = tokenizer.get_vocab()
    spec = random_spec(len(tokens))
    spec.register_vocabulary(sorted(tokens, key=tokens.__getitem__))
    spec.config.suppress_ids = [index for token, index in tokens.items() if not WRITABLE.fullmatch(token)]
    spec.config.suppress_ids_begin = [tokens["<|endoftext|>"]]
    spec.config.lang_ids = [tokens[name] for name in LANGUAGES]
    spec.config.alignment_heads = [(1, 0)] if can_align else []
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": BANDS}), encoding="utf-8")
    return folder


def random_spec(vocabulary: int) -> WhisperSpec:
    """Random weights of the right shapes."""
    draw = np.random.default_rng(7)

    def weights(*shape: int, scale: float = 0.3) -> np.ndarray[Any, Any]:
        return (draw.standard_normal(shape) * scale).astype(np.float32)

    def fill_norm(norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def fill_linear(linear: Any, rows: int, columns: int = WIDTH) -> None:
        linear.weight, linear.bias = weights(rows, columns), np.zeros(rows, np.float32)

    def fill_layer(layer: Any) -> None:
        fill_norm(layer.self_attention.layer_norm)
        fill_linear(layer.self_attention.linear[0], 3 * WIDTH)
        fill_linear(layer.self_attention.linear[1], WIDTH)
        if hasattr(layer, "attention"):
            fill_norm(layer.attention.layer_norm)
            for linear, rows in zip(layer.attention.linear, (WIDTH, 2 * WIDTH, WIDTH), strict=True):
                fill_linear(linear, rows)
        fill_norm(layer.ffn.layer_norm)
        fill_linear(layer.ffn.linear_0, 2 * WIDTH)
        fill_linear(layer.ffn.linear_1, WIDTH, 2 * WIDTH)

    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights(WIDTH, BANDS, 3), np.zeros(WIDTH, np.float32)
    encoder.conv2.weight, encoder.conv2.bias = weights(WIDTH, WIDTH, 3), np.zeros(WIDTH, np.float32)
    encoder.position_encodings.encodings = weights(1500, WIDTH)
    decoder.position_encodings.encodings = weights(448, WIDTH)
    decoder.embeddings.weight = weights(vocabulary, WIDTH, scale=1.0)
    decoder.projection.weight = decoder.embeddings.weight
    for norm in (encoder.layer_norm, decoder.layer_norm):
        fill_norm(norm)
    for layer in (*encoder.layer, *decoder.layer):
        fill_layer(layer)
    return spec


def noise(seconds: float, *, seed: int = 1, level: float = 0.1) -> Float:
    """White noise: not silent, so it is decoded."""
    draw = np.random.default_rng(seed)
    return (draw.standard_normal(round(seconds * SAMPLE_RATE_HZ)) * level).astype(np.float32)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper") / "english")


@pytest.fixture(scope="session")
def multilingual_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper") / "multilingual", vocabulary=MULTILINGUAL)
