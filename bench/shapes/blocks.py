"""Random weights straight in llama.cpp's block formats: nothing is computed in full precision and then quantised."""

from collections.abc import Callable

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_SCALES_OF_32 = bytes([0b10_100000] * 8 + [0] * 4)
"""The twelve bytes of a Q4_K block in which all eight scales and all eight minima are 32."""
_Q4_K_STEP, _Q6_K_STEP = 32, 1
"""Integer scales within a block, multiplied by the block's own."""


def random_blocks(rows: int, columns: int, kind: Kind, *, spread: float, random: np.random.Generator) -> Bytes:
    """A matrix [rows, bytes of a row] of weights around zero whose standard deviation is `spread`."""
    block_size, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    count = rows * columns // block_size
    raw = np.frombuffer(random.bytes(count * block_bytes), np.uint8).reshape(count, block_bytes).copy()
    _STEPS[kind](raw, spread)
    return raw.reshape(rows, columns // block_size * block_bytes)


def _half(value: float) -> Bytes:
    return np.frombuffer(np.float16(value).tobytes(), np.uint8)


def _uniform_deviation(levels: int) -> float:
    return float(np.sqrt((levels**2 - 1) / 12))


def _q5_0(raw: Bytes, spread: float) -> None:
    raw[:, :2] = _half(spread / _uniform_deviation(32))


def _q8_0(raw: Bytes, spread: float) -> None:
    raw[:, :2] = _half(spread / _uniform_deviation(256))


def _q4_k(raw: Bytes, spread: float) -> None:
    step = spread / _uniform_deviation(16) / _Q4_K_STEP
    raw[:, :2], raw[:, 2:4] = _half(step), _half(7.5 * step)
    raw[:, 4:16] = np.frombuffer(_SCALES_OF_32, np.uint8)


def _q6_k(raw: Bytes, spread: float) -> None:
    raw[:, 192:208] = _Q6_K_STEP
    raw[:, 208:] = _half(spread / _uniform_deviation(64) / _Q6_K_STEP)


_STEPS: dict[Kind, Callable[[Bytes, float], None]] = {
    Kind.Q5_0: _q5_0,
    Kind.Q8_0: _q8_0,
    Kind.Q4_K: _q4_k,
    Kind.Q6_K: _q6_k,
}
"""Puts into random blocks the scales that give them their spread."""
