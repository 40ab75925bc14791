"""How long a search takes in a large collection: chunks of made-up words, and vectors in clusters as real ones lie."""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.embeddings import Embedder
from knowledge.index import CHUNKS as CHUNK_TABLE
from knowledge.index import Index
from knowledge.retriever import Retriever

CHUNKS = 100_000
QUERIES = 200
_SENTENCES_PER_CHUNK = 4
_WORDS_PER_SENTENCE = 22
_BATCH = 5_000
_CLUSTERS = 300
_VOCABULARY = 20_000
_SYLLABLES = tuple(first + second for first in "bdfgklmnprst" for second in "aeiou")


def query_times_ms(embedder: Embedder, *, chunks: int = CHUNKS, queries: int = QUERIES) -> list[float]:
    """Times of whole searches, one after the other: embedding the question, both indexes, scoring, judging."""
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", embedder.name, embedder.dim)
        index.become(lambda table: _rows(table, chunks, embedder))
        index.optimize()
        retriever = Retriever(index, embedder)
        texts = Words()
        for number in range(10):
            retriever.search(texts.question(number))
        return [_timed_ms(retriever, texts.question(10 + number)) for number in range(queries)]


def _timed_ms(retriever: Retriever, question: str) -> float:
    begun_s = time.perf_counter()
    retriever.search(question)
    return (time.perf_counter() - begun_s) * 1000


class Words:
    """Sentences of a made-up language whose words are as unequally frequent as in real ones."""

    def __init__(self) -> None:
        dice = random.Random(1)
        self._words = ["".join(dice.choices(_SYLLABLES, k=dice.randint(1, 4))) for _ in range(_VOCABULARY)]
        self._weights = [1 / (place + 5) for place in range(_VOCABULARY)]
        self._stream = dice.choices(self._words, self._weights, k=1_000_000)

    def sentence(self, number: int, *, words: int = _WORDS_PER_SENTENCE) -> str:
        """Always the same for the same number."""
        start = number * 7919 % (len(self._stream) - words)
        return " ".join(self._stream[start : start + words]).capitalize() + "."

    def question(self, number: int) -> str:
        """Some words of a sentence, as a caller would ask for it."""
        return f"how much is the {self.sentence(number * 31, words=5).lower().rstrip('.')}"


def _rows(table: str, chunks: int, embedder: Embedder) -> Iterator[Any]:
    """Record batches of one table of the index."""
    import pyarrow as pa

    words, dice = Words(), np.random.default_rng(1)
    centres = dice.normal(size=(_CLUSTERS, embedder.dim)).astype(np.float32)
    columns = _chunk_columns if table == CHUNK_TABLE else _sentence_columns
    for start in range(0, chunks, _BATCH):
        made = columns(range(start, min(chunks, start + _BATCH)), words, embedder.name)
        count = len(made["text"])
        vectors = centres[dice.integers(0, _CLUSTERS, count)] + dice.normal(size=(count, embedder.dim))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), embedder.dim)
        yield pa.RecordBatch.from_pydict(made | {"embedding": flat})


def _chunk_columns(numbers: range, words: Words, model: str) -> dict[str, Any]:
    texts = [" ".join(_sentences(number, words)) for number in numbers]
    same = {"collection": "default", "heading": "", "hash": "", "ingested_at": "", "model": model}
    return {
        **{name: [value] * len(texts) for name, value in same.items()},
        "chunk_id": [f"{number:016x}:0" for number in numbers],
        "doc_id": [f"{number:016x}" for number in numbers],
        "text": texts,
        "title": [f"Document {number}" for number in numbers],
        "source": [f"{number}.txt" for number in numbers],
        "origin": [f"/{number}.txt" for number in numbers],
        "position": _int32([0] * len(texts)),
        "page": _int32([0] * len(texts)),
    }


def _sentence_columns(numbers: range, words: Words, model: str) -> dict[str, Any]:
    del model
    placed = [(number, place) for number in numbers for place in range(_SENTENCES_PER_CHUNK)]
    same = {"collection": "default", "above": "", "hash": "", "context": "Document"}
    return {
        **{name: [value] * len(placed) for name, value in same.items()},
        "sentence_id": [f"{number:016x}:0:{place}" for number, place in placed],
        "chunk_id": [f"{number:016x}:0" for number, _ in placed],
        "doc_id": [f"{number:016x}" for number, _ in placed],
        "text": [words.sentence(number * _SENTENCES_PER_CHUNK + place) for number, place in placed],
        "position": _int32([place for _, place in placed]),
        "page": _int32([0] * len(placed)),
    }


def _sentences(number: int, words: Words) -> list[str]:
    first = number * _SENTENCES_PER_CHUNK
    return [words.sentence(first + place) for place in range(_SENTENCES_PER_CHUNK)]


def _int32(values: list[int]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.int32())
