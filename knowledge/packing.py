"""A chunk with its sentences in one piece: all that a search reads of it.

LanceDB takes longer to fetch a dozen columns than to search, and again as long for the rows of another table.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np

from knowledge.lines import Line
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow
from knowledge.store import Vectors

_REMEMBERED = 2048
"""Chunks that are not taken apart again when another question finds them (384 dimensions: 40 MB)."""
_LENGTH_BYTES = 4


@dataclass(frozen=True, eq=False)
class FoundChunk:
    """A chunk as it was found, with its vector [dim] and its sentences in order."""

    row: ChunkRow
    vector: Vectors
    lines: tuple[Line, ...]


def packed_chunks(document: PreparedDocument) -> Iterator[bytes]:
    """Each chunk of the document with its sentences."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(document.sentences):
        places.setdefault(row.chunk_id, []).append(place)
    for chunk, vector in zip(document.chunks, document.chunk_vectors, strict=True):
        own = places.get(chunk.chunk_id, [])
        yield pack(chunk, vector, [document.sentences[place] for place in own], document.sentence_vectors[own])


def pack(chunk: ChunkRow, vector: Vectors, sentences: Sequence[SentenceRow], vectors: Vectors) -> bytes:
    """The chunk, its vector [dim], its sentences and theirs [n, dim]; of vectors three digits are kept."""
    texts = json.dumps([astuple(chunk), [(row.text, row.context) for row in sentences]]).encode()
    numbers = np.concatenate([vector[np.newaxis], vectors]).astype("<f2").tobytes()
    return len(texts).to_bytes(_LENGTH_BYTES, "little") + texts + numbers


@lru_cache(maxsize=_REMEMBERED)
def unpack(packed: bytes) -> FoundChunk:
    """What `pack` was given; the last ones are kept taken apart."""
    return take_apart(packed)


def take_apart(packed: bytes) -> FoundChunk:
    """What `pack` was given. Raises `ValueError` or `TypeError` for what it did not make."""
    end = _LENGTH_BYTES + int.from_bytes(packed[:_LENGTH_BYTES], "little")
    values, texts = json.loads(packed[_LENGTH_BYTES:end])
    vectors = np.frombuffer(packed, "<f2", offset=end).astype(np.float32).reshape(1 + len(texts), -1)
    row = ChunkRow(*values)
    lines = tuple(
        Line(row.chunk_id, place, text=text, context=context, vector=vector)
        for place, ((text, context), vector) in enumerate(zip(texts, vectors[1:], strict=True))
    )
    return FoundChunk(row, vectors[0], lines)
