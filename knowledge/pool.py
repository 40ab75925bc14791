"""Where a question looks first: the chunks nearest to it by vector and those that hold its words, and their sentences.

The words are LanceDB's full-text search. The vectors of a small collection are kept in memory, where every sentence is
looked at by itself; a large one is searched in LanceDB, and only the sentences of chunks that were found count.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol

import numpy as np

from knowledge.index import Index
from knowledge.lines import Line
from knowledge.packing import FoundChunk
from knowledge.rows import ChunkRow
from knowledge.scope import Scope
from knowledge.store import Vectors
from knowledge.words import Rarity, meaningful

_SAMPLED_SENTENCES = 20_000
"""Enough to know which words are rare."""
_ABOUT = 1.25
"""Words are as rare as before in a collection that has not grown or shrunk by more than a quarter."""
_AT_ONCE = ThreadPoolExecutor(4, thread_name_prefix="search")
"""Waits for LanceDB, which searches on all cores; its threads begin with the first search."""


@dataclass(frozen=True)
class Pool:
    """Sentences with their similarity to the question; by id the chunks they stand in and those near it.

    `by_words` are the chunks that hold the question's words, best first.
    """

    lines: tuple[tuple[Line, float], ...]
    chunks: dict[str, tuple[ChunkRow, float]]
    by_words: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A question and where to look for it. Its vector [dim] takes a while when it is asked for first."""

    query: str
    scope: Scope
    embedded: Callable[[str], Vectors]

    @property
    def vector(self) -> Vectors:
        return self.embedded(self.query)


class Searched(Protocol):
    """A collection that can be searched, and how rare words are in it."""

    @property
    def rarity(self) -> Rarity: ...
    def gather(self, asked: Sequence[Asked], *, sentences: int, chunks: int) -> list[Pool]: ...


class InMemory:
    """A whole collection as arrays, at one revision of the index."""

    def __init__(self, index: Index, collection: str) -> None:
        self._index = index
        self._chunks, self._chunk_vectors = index.all_chunks(collection)
        sentence_rows, self._sentence_vectors = index.all_sentences(collection)
        self._places = {row.chunk_id: place for place, row in enumerate(self._chunks)}
        self._lines = [
            Line(row.chunk_id, row.position, text=row.text, context=row.context, vector=vector)
            for row, vector in zip(sentence_rows, self._sentence_vectors, strict=True)
        ]
        self._lines_of: dict[str, list[int]] = {}
        for place, line in enumerate(self._lines):
            self._lines_of.setdefault(line.chunk_id, []).append(place)
        self.rarity = Rarity(line.words_in_context for line in self._lines)

    def gather(self, asked: Sequence[Asked], *, sentences: int, chunks: int) -> list[Pool]:
        matching = _AT_ONCE.map(partial(self._matching, limit=chunks), asked)
        return [self._pool(one, ids, sentences, chunks) for one, ids in zip(asked, matching, strict=True)]

    def _matching(self, asked: Asked, *, limit: int) -> tuple[str, ...]:
        """Chunks by their words."""
        found = self._index.matching_ids(asked.query, asked.scope, limit=limit, misspelt=True)
        return tuple(chunk_id for chunk_id in found if chunk_id in self._places)

    def _pool(self, asked: Asked, by_words: tuple[str, ...], sentences: int, chunks: int) -> Pool:
        scope = asked.scope
        near_lines, near_chunks = self._sentence_vectors @ asked.vector, self._chunk_vectors @ asked.vector
        nearest = (one for one in _largest(near_chunks) if scope.admits(self._chunks[one]))
        lines = [*islice(self._admitted_lines(_largest(near_lines), scope), sentences)]
        lines = dict.fromkeys([*lines, *(line for key in by_words for line in self._lines_of.get(key, ()))])
        found = {*islice(nearest, chunks), *(self._places[key] for key in by_words), *map(self._chunk_of, lines)}
        return Pool(
            lines=tuple((self._lines[one], float(near_lines[one])) for one in lines),
            chunks={self._chunks[one].chunk_id: (self._chunks[one], float(near_chunks[one])) for one in found},
            by_words=by_words,
        )

    def _admitted_lines(self, lines: Sequence[int], scope: Scope) -> Iterator[int]:
        """Those whose chunk is there and may be found."""
        for line in lines:
            is_known = self._lines[line].chunk_id in self._places
            if is_known and scope.admits(self._chunks[self._chunk_of(line)]):
                yield line

    def _chunk_of(self, line: int) -> int:
        return self._places[self._lines[line].chunk_id]


class InTables:
    """A collection too large for memory, searched where it lies."""

    def __init__(self, index: Index, collection: str, *, count: int) -> None:
        self._index = index
        self._count = count
        sample, _ = index.all_sentences(collection, limit=_SAMPLED_SENTENCES)
        self.rarity = Rarity(meaningful(f"{row.text} {row.context}") for row in sample)

    def is_about(self, count: int) -> bool:
        """Whether a collection of `count` sentences has about as many as when this one's words were counted."""
        return count / _ABOUT < self._count < count * _ABOUT

    def gather(self, asked: Sequence[Asked], *, sentences: int, chunks: int) -> list[Pool]:
        """The words are looked for while the question is embedded."""
        index, begin = self._index, _AT_ONCE.submit
        matching = [begin(index.matching_chunks, one.query, one.scope, limit=chunks, misspelt=False) for one in asked]
        near = [begin(index.nearest_chunks, one.vector, one.scope, limit=chunks) for one in asked]
        return [
            _pool(one.vector, a.result(), b.result(), most=sentences)
            for one, a, b in zip(asked, near, matching, strict=True)
        ]


def _pool(vector: Vectors, near: Sequence[FoundChunk], by_words: Sequence[FoundChunk], *, most: int) -> Pool:
    """The chunks found with the `most` nearest of their sentences."""
    found = {chunk.row.chunk_id: chunk for chunk in (*near, *by_words)}
    lines = [line for chunk in found.values() for line in chunk.lines]
    products = _products([line.vector for line in lines], vector)
    similarities = _products([chunk.vector for chunk in found.values()], vector).tolist()
    return Pool(
        lines=tuple((lines[one], float(products[one])) for one in _largest(products)[:most]),
        chunks={key: (chunk.row, near) for (key, chunk), near in zip(found.items(), similarities, strict=True)},
        by_words=tuple(chunk.row.chunk_id for chunk in by_words),
    )


def _products(vectors: Sequence[Vectors], vector: Vectors) -> Vectors:
    return np.stack([*vectors]) @ vector if vectors else np.zeros(0, np.float32)


def _largest(values: Vectors) -> Sequence[int]:
    """The places of all values, the largest first."""
    return np.argsort(-values).tolist()
