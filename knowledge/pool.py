"""Where a question looks first: a few dozen sentences and chunks of a collection, by vector.

A small collection is kept in memory (a dot product, no table is read); a large one is searched in LanceDB. Full-text
hits join the pool here, in both classes, when search becomes hybrid.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from knowledge.asked import Kind, named_days, offered_kinds
from knowledge.index import ChunkRow, Index, SentenceRow
from knowledge.store import Vectors
from knowledge.words import Rarity, meaningful

_SAMPLED_SENTENCES = 20_000
"""Enough to know which words are rare."""


class Line:
    """A sentence, and what scoring needs to know of it, worked out once."""

    def __init__(self, row: SentenceRow) -> None:
        self.row = row

    @cached_property
    def words(self) -> frozenset[str]:
        return meaningful(self.row.text)

    @cached_property
    def words_in_context(self) -> frozenset[str]:
        return self.words | meaningful(self.row.context)

    @cached_property
    def kinds(self) -> frozenset[Kind]:
        return offered_kinds(self.row.text)

    @cached_property
    def days(self) -> frozenset[str]:
        return named_days(self.row.text)


@dataclass(frozen=True)
class Pool:
    """Sentences with their similarity to the question, and by id the chunks they stand in and those near it."""

    lines: tuple[tuple[Line, float], ...]
    chunks: dict[str, tuple[ChunkRow, float]]


class Searched(Protocol):
    """A collection that can be searched, and how rare words are in it."""

    @property
    def rarity(self) -> Rarity: ...
    def gather(self, vector: Vectors, *, sentences: int, chunks: int) -> Pool: ...


class InMemory:
    """A whole collection as arrays, at one revision of the index."""

    def __init__(self, index: Index, collection: str) -> None:
        chunk_rows, self._chunk_vectors = index.all_chunks(collection)
        sentence_rows, self._sentence_vectors = index.all_sentences(collection)
        self._chunks = chunk_rows
        self._places = {row.chunk_id: place for place, row in enumerate(chunk_rows)}
        self._lines = [Line(row) for row in sentence_rows]
        self.rarity = Rarity(line.words_in_context for line in self._lines)

    def gather(self, vector: Vectors, *, sentences: int, chunks: int) -> Pool:
        near_lines = self._sentence_vectors @ vector
        near_chunks = self._chunk_vectors @ vector
        lines = [self._lines[place] for place in _largest(near_lines, sentences)]
        similarities = [float(near_lines[place]) for place in _largest(near_lines, sentences)]
        places = set(_largest(near_chunks, chunks))
        places |= {self._places[line.row.chunk_id] for line in lines if line.row.chunk_id in self._places}
        found = {self._chunks[place].chunk_id: (self._chunks[place], float(near_chunks[place])) for place in places}
        return Pool(lines=tuple(zip(lines, similarities, strict=True)), chunks=found)


class InTables:
    """A collection too large for memory, searched where it lies."""

    def __init__(self, index: Index, collection: str) -> None:
        self._index = index
        self._collection = collection
        sample, _ = index.all_sentences(collection, limit=_SAMPLED_SENTENCES)
        self.rarity = Rarity(Line(row).words_in_context for row in sample)

    def gather(self, vector: Vectors, *, sentences: int, chunks: int) -> Pool:
        near_lines = self._index.nearest_sentences(vector, collection=self._collection, limit=sentences)
        near_chunks = self._index.nearest_chunks(vector, collection=self._collection, limit=chunks)
        found = {row.chunk_id: (row, similarity) for row, similarity in near_chunks}
        farther = min((similarity for _, similarity in near_chunks), default=0.0)
        missing = _missing(found, (row.chunk_id for row, _ in near_lines))
        found |= {key: (row, farther) for key, row in self._index.chunks_by_id(missing).items()}
        lines = tuple((Line(row), similarity) for row, similarity in near_lines)
        return Pool(lines=lines, chunks=found)


def _largest(values: Vectors, count: int) -> Sequence[int]:
    """Places of the `count` largest values, the largest first."""
    if len(values) <= count:
        return np.argsort(-values).tolist()
    top = np.argpartition(-values, count)[:count]
    return top[np.argsort(-values[top])].tolist()


def _missing(found: dict[str, tuple[ChunkRow, float]], wanted: Iterable[str]) -> list[str]:
    return sorted({key for key in wanted if key not in found})
