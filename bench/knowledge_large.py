"""A large collection, quickly made: the sentences of real documents over and over, each time with other words in them.

Every fourth word is one of a made-up language, whose words are as unequally frequent as real ones. A sentence's vector
is that of the real sentence, turned a little; a chunk's is the mean of its sentences'.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.index import Index
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow
from knowledge.store import Vectors
from knowledge.tables import CHUNKS, LAYOUT, rows_of

SENTENCES_PER_CHUNK = 4
COLLECTION = "default"
MODEL = "made up"
_MADE_UP_EVERY = 4
_PAIRED = 64
"""Chunks in a row whose other half comes from the same distance."""
_TURNED = 0.5
"""Length of what is added to a real sentence's vector: the cosine with it stays about 0.9."""
_BATCH = 5_000
_VOCABULARY = 50_000
_SYLLABLES = tuple(first + second for first in "bdfgklmnprst" for second in "aeiou")


@dataclass(frozen=True)
class Large:
    """`chunks` chunks made of `sentences` and their `vectors` [n, dim]."""

    chunks: int
    sentences: Sequence[SentenceRow]
    vectors: Vectors

    @property
    def digest(self) -> str:
        """Another one for any other collection."""
        made_from = hashlib.sha256(Path(__file__).read_bytes() + self.vectors.tobytes())
        made_from.update(repr((LAYOUT, self.chunks, [(row.text, row.context) for row in self.sentences])).encode())
        return made_from.hexdigest()[:16]

    def fill(self, index: Index) -> None:
        """Make it all that is in `index`, and index it."""
        index.become(self._rows)
        index.optimize()

    def chunk_vectors(self) -> Vectors:
        """[chunks, dim], in the order of their numbers."""
        return np.concatenate([_means(vectors) for _, vectors in self._turned()])

    def _rows(self, table: str) -> Iterator[Any]:
        """Record batches of one table of the index."""
        import pyarrow as pa

        for numbers, turned in self._turned():
            vectors = _means(turned) if table == CHUNKS else turned
            flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
            documents = map(
                self._document, numbers, _means(turned), turned.reshape(len(numbers), SENTENCES_PER_CHUNK, -1)
            )
            rows = [row for document in documents for row in rows_of(document, table, model=MODEL)]
            yield pa.RecordBatch.from_pylist(rows).append_column("embedding", flat)

    def _turned(self) -> Iterator[tuple[range, Vectors]]:
        """Batches of chunks with the vectors of their sentences; the same every time."""
        dice, dim = np.random.default_rng(1), self.vectors.shape[1]
        for start in range(0, self.chunks, _BATCH):
            numbers = range(start, min(self.chunks, start + _BATCH))
            seeds = [self._seed(number, place) for number in numbers for place in range(SENTENCES_PER_CHUNK)]
            noise = dice.standard_normal((len(seeds), dim), dtype=np.float32)
            noise *= _TURNED / np.linalg.norm(noise, axis=1, keepdims=True)
            yield numbers, _unit(self.vectors[seeds] + noise)

    def _seed(self, number: int, place: int) -> int:
        """Which real sentence stands at this place of a chunk: two neighbours, and two from elsewhere."""
        elsewhere = 2 * (number // _PAIRED) if place >= SENTENCES_PER_CHUNK // 2 else 0
        return (number * SENTENCES_PER_CHUNK + place + elsewhere) % len(self.sentences)

    def _sentence(self, number: int, place: int) -> str:
        words = self.sentences[self._seed(number, place)].text.split()
        at = (number * SENTENCES_PER_CHUNK + place) * 7919 % (len(self._made_up) - len(words))
        words[1::_MADE_UP_EVERY] = self._made_up[at : at + len(words[1::_MADE_UP_EVERY])]
        return " ".join(words)

    @cached_property
    def _made_up(self) -> list[str]:
        dice = random.Random(1)
        words = ["".join(dice.choices(_SYLLABLES, k=dice.randint(2, 5))) for _ in range(_VOCABULARY)]
        return dice.choices(words, [1 / (place + 5) for place in range(_VOCABULARY)], k=1_000_000)

    def _document(self, number: int, vector: Vectors, vectors: Vectors) -> PreparedDocument:
        """A document of one chunk with its vector [dim] and those of its sentences [n, dim]."""
        sentences = tuple(self._sentence_row(number, place) for place in range(SENTENCES_PER_CHUNK))
        context = sentences[0].context
        chunk = ChunkRow(
            chunk_id=sentences[0].chunk_id,
            doc_id=_doc_id(number),
            text=" ".join(row.text for row in sentences),
            title=context.partition(". ")[0],
            heading=context.rpartition(". ")[2],
            source=f"{number}.txt",
            origin=f"/{number}.txt",
            collection=COLLECTION,
            position=0,
            hash="",
        )
        return PreparedDocument(chunk.doc_id, (chunk,), vector[np.newaxis], sentences, vectors)

    def _sentence_row(self, number: int, place: int) -> SentenceRow:
        return SentenceRow(
            sentence_id=f"{_doc_id(number)}:0:{place}",
            chunk_id=f"{_doc_id(number)}:0",
            doc_id=_doc_id(number),
            text=self._sentence(number, place),
            context=self.sentences[self._seed(number, place)].context,
            collection=COLLECTION,
            position=place,
        )


def _means(sentences: Vectors) -> Vectors:
    """The vectors of chunks [n, dim] from those of their sentences."""
    return _unit(sentences.reshape(-1, SENTENCES_PER_CHUNK, sentences.shape[1]).mean(axis=1))


def _unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _doc_id(number: int) -> str:
    return f"{number:016x}"


def number_of(chunk_id: str) -> int:
    """The number of the chunk with this id."""
    return int(chunk_id.partition(":")[0], 16)
