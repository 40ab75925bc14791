"""A Qwen2.5 of random numbers in Q4_K_M: the tensors, the block formats and the vocabulary size of the real files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from bench.shapes.blocks import random_blocks
from bench.shapes.pieces import merges_of, vocabulary
from training.llm.tokens import CHAT_TEMPLATE, END_OF_TEXT, SPECIAL, TURN_END

CONTEXT_TOKENS = 32_768
ROPE_BASE = 1_000_000.0
NORM_EPSILON = 1e-6
MOSTLY_Q4_K_M = 15
K_BLOCK = 256
"""Rows that are no multiple of this do not fit the K formats; llama.cpp then takes the next larger simple one."""
FALLBACKS = {Kind.Q4_K: Kind.Q5_0, Kind.Q6_K: Kind.Q8_0}
SPREAD = 0.02

Tensor = tuple[str, NDArray[np.float32] | NDArray[np.uint8], Kind]


@dataclass(frozen=True)
class LlamaShape:
    """The sizes of one model; `keys` is the width of all key heads together."""

    layers: int
    width: int
    heads: int
    key_heads: int
    hidden: int
    vocabulary: int = 151_936

    @property
    def keys(self) -> int:
        return self.width // self.heads * self.key_heads


HALF_B = LlamaShape(layers=24, width=896, heads=14, key_heads=2, hidden=4864)
ONE_AND_A_HALF_B = LlamaShape(layers=28, width=1536, heads=12, key_heads=2, hidden=8960)


def write_llama(path: Path, shape: LlamaShape = HALF_B) -> None:
    """Write the GGUF file."""
    writer = gguf.GGUFWriter(path, "qwen2")
    _add_sizes(writer, shape)
    _add_vocabulary(writer, shape.vocabulary)
    for name, values, kind in tensors(shape, np.random.default_rng(0)):
        writer.add_tensor(name, values, raw_dtype=None if kind is Kind.F32 else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(shape: LlamaShape, random: np.random.Generator) -> Iterator[Tensor]:
    """Every tensor under its GGUF name, in the format that `Q4_K_M` gives it."""

    def matrix(name: str, rows: int, columns: int, kind: Kind = Kind.Q4_K) -> Tensor:
        kind = kind if columns % K_BLOCK == 0 else FALLBACKS[kind]
        return f"{name}.weight", random_blocks(rows, columns, kind, spread=SPREAD, random=random), kind

    def bias(name: str, size: int) -> Tensor:
        return f"{name}.bias", random.normal(0, SPREAD, size).astype(np.float32), Kind.F32

    def norm(name: str) -> Tensor:
        return f"{name}.weight", np.ones(shape.width, np.float32), Kind.F32

    yield matrix("token_embd", shape.vocabulary, shape.width)
    for layer in range(shape.layers):
        finer = Kind.Q6_K if _has_more_bits(layer, shape.layers) else Kind.Q4_K
        block = f"blk.{layer}"
        yield norm(f"{block}.attn_norm")
        yield matrix(f"{block}.attn_q", shape.width, shape.width)
        yield bias(f"{block}.attn_q", shape.width)
        yield matrix(f"{block}.attn_k", shape.keys, shape.width)
        yield bias(f"{block}.attn_k", shape.keys)
        yield matrix(f"{block}.attn_v", shape.keys, shape.width, finer)
        yield bias(f"{block}.attn_v", shape.keys)
        yield matrix(f"{block}.attn_output", shape.width, shape.width)
        yield norm(f"{block}.ffn_norm")
        yield matrix(f"{block}.ffn_gate", shape.hidden, shape.width)
        yield matrix(f"{block}.ffn_up", shape.hidden, shape.width)
        yield matrix(f"{block}.ffn_down", shape.width, shape.hidden, finer)
    yield norm("output_norm")
    yield matrix("output", shape.vocabulary, shape.width, Kind.Q6_K)


def _has_more_bits(layer: int, layers: int) -> bool:
    """Q4_K_M spends more on the values and the feed-forward's end of half of the layers."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _add_sizes(writer: gguf.GGUFWriter, shape: LlamaShape) -> None:
    writer.add_name("random numbers in the shape of Qwen2.5")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_layer_norm_rms_eps(NORM_EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_file_type(MOSTLY_Q4_K_M)


def _add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    tokenizer = vocabulary(size, special=SPECIAL)
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(pieces)
    writer.add_token_types([gguf.TokenType.CONTROL if piece in SPECIAL else gguf.TokenType.NORMAL for piece in pieces])
    writer.add_token_merges([" ".join(merge) for merge in merges_of(tokenizer)])
    writer.add_bos_token_id(pieces.index(END_OF_TEXT))
    writer.add_eos_token_id(pieces.index(TURN_END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
