"""An embedder without weights: texts with the same words are near, all others far. And an index as one set."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from knowledge.index import Index
from knowledge.store import Vectors
from knowledge.words import meaningful

DIM = 256


@dataclass
class WordEmbedder:
    """Each word has its own direction. `embedded` are the texts it was given, `calls` how often it was given some."""

    name: str = "words"
    dim: int = DIM
    unrelated: float = 0.0
    embedded: list[str] = field(default_factory=list)
    calls: int = 0

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        self.calls += 1
        vectors = np.zeros((len(texts), DIM), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in meaningful(text) or {"nothing"}:
                row[zlib.crc32(word.encode()) % DIM] += 1.0
            row /= np.linalg.norm(row)
        return vectors


def snapshot(index: Index) -> set[tuple[str, str, str, int, str]]:
    """Everything about every chunk that a search could use."""
    rows, vectors = index.all_chunks("default")
    return {
        (row.chunk_id, row.text, row.hash, row.page, vector.tobytes().hex())
        for row, vector in zip(rows, vectors, strict=True)
    }
