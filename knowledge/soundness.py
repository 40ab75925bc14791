"""Vectors as the tables hold them, and which of them are damaged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.store import Vectors

_TOLERANCE = 0.01
"""Of a length, for models that compute with fewer digits."""


def vectors_of(batch: Any) -> Vectors:
    """The vectors [rows, dim] of an Arrow record batch."""
    flat = batch.column("embedding").flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(batch.num_rows, -1)


def are_of_chunks(vectors: Vectors) -> NDArray[np.bool_]:
    """Which of [n, dim] can be a chunk's: those of length 1."""
    return np.abs(_lengths(vectors) - 1) < _TOLERANCE


def are_of_sentences(vectors: Vectors) -> NDArray[np.bool_]:
    """Which of [n, dim] can be a sentence's, the mean of two vectors of length 1."""
    lengths = _lengths(vectors)
    return (lengths > 0) & (lengths < 1 + _TOLERANCE)


def _lengths(vectors: Vectors) -> NDArray[np.float32]:
    """Infinite or not a number where the vector is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.linalg.norm(vectors, axis=1)
