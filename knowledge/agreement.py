"""Does the packed piece of each chunk, which is all that a search reads, say what the tables say?

A chunk's sentences may lie anywhere in their table. What they must be is kept as two numbers for each chunk, not as
texts and vectors, so that a large index is examined in little memory.
"""

import hashlib
import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.packing import FoundChunk, take_apart
from knowledge.rows import ChunkRow
from knowledge.soundness import vectors_of
from knowledge.store import Vectors
from knowledge.tables import CHUNKS, PACKED, ROW_COLUMNS

_PIECE = "what a search reads of a chunk"
_DIGEST_BYTES = 8


@dataclass
class _Awaited:
    """Sums over the sentences of one packed chunk, which those of the table bring back to 0."""

    doc_id: str
    texts: int
    vectors: int
    is_damaged: bool
    """The packed vectors are, so that nothing can be the same."""


class Agreement:
    """Reads all chunks first, then all sentences, in batches; `problems` are complete after that."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []
        self._awaited: dict[str, _Awaited] = {}

    def read_chunks(self, batch: Any) -> None:
        """Hold a batch of chunks, all columns, against their packed pieces."""
        rows = batch.select(list(ROW_COLUMNS[CHUNKS])).to_pylist()
        for values, piece, vector in zip(rows, batch.column(PACKED).to_pylist(), _rounded(batch), strict=True):
            row = ChunkRow(**values)
            try:
                self._compare(row, vector, take_apart(piece))
            except (TypeError, ValueError):
                self._found.append((row.doc_id, f"{_PIECE} cannot be taken apart"))

    def read_sentences(self, batch: Any) -> None:
        """Take a batch of sentences off what the packed pieces say of them."""
        rows = batch.select(["chunk_id", "position", "text", "context"]).to_pylist()
        for row, vector in zip(rows, _rounded(batch), strict=True):
            if awaited := self._awaited.get(row["chunk_id"]):
                awaited.texts -= _of_text(row["position"], row["text"], row["context"])
                awaited.vectors -= _of_vector(row["position"], vector)

    def problems(self, *, torn: Container[str]) -> Iterator[tuple[str, str]]:
        """(doc_id, what) of all that differs; sentences of `torn` documents are of another version anyway."""
        yield from self._found
        for awaited in self._awaited.values():
            if awaited.is_damaged:
                yield awaited.doc_id, f"{_PIECE} has damaged vectors"
            if awaited.doc_id in torn:
                continue
            if awaited.texts:
                yield awaited.doc_id, f"{_PIECE} has other sentences than their table"
            elif awaited.vectors and not awaited.is_damaged:
                yield awaited.doc_id, f"{_PIECE} has other vectors than the sentences' table"

    def _compare(self, row: ChunkRow, vector: NDArray[np.float16], piece: FoundChunk) -> None:
        """`vector` is the column's."""
        if piece.row != row:
            self._found.append((row.doc_id, f"{_PIECE} is not what its columns say"))
        is_damaged = not _is_whole(piece, dim=len(vector))
        if not is_damaged and not np.array_equal(_half(piece.vector), vector):
            self._found.append((row.doc_id, f"{_PIECE} has another vector than its column"))
        texts = sum(_of_text(line.place, line.text, line.context) for line in piece.lines)
        vectors = sum(_of_vector(line.place, _half(line.vector)) for line in piece.lines)
        self._awaited[row.chunk_id] = _Awaited(row.doc_id, texts, vectors, is_damaged)


def _is_whole(piece: FoundChunk, *, dim: int) -> bool:
    """Whether the piece has numbers for all its vectors."""
    vectors = [piece.vector, *(line.vector for line in piece.lines)]
    return len(piece.vector) == dim and all(bool(np.isfinite(vector).all()) for vector in vectors)


def _rounded(batch: Any) -> NDArray[np.float16]:
    """The columns' vectors [rows, dim] as they are packed: the same number is rounded in the same way everywhere."""
    return _half(vectors_of(batch))


def _half(vectors: Vectors) -> NDArray[np.float16]:
    with np.errstate(over="ignore", invalid="ignore"):
        return vectors.astype("<f2")


def _of_text(place: int, text: str, context: str) -> int:
    return _digest(json.dumps([place, text, context]).encode())


def _of_vector(place: int, vector: NDArray[np.float16]) -> int:
    return _digest(b"%d " % place + vector.tobytes())


def _digest(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest(), "little")
