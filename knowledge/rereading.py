"""Documents out of an index of this or an older layout, with the vectors that it holds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from knowledge.index import Index
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow
from knowledge.soundness import vectors_of
from knowledge.store import Vectors
from knowledge.tables import CHUNKS, SENTENCES

_MODEL = "model"


@dataclass(frozen=True)
class _Row:
    """Its columns, without those that it is not made of today, and its vector [dim]."""

    values: dict[str, Any]
    vector: Vectors
    model: str


def chunk_counts(index: Index) -> Counter[str]:
    """How many chunks each document has."""
    counts: Counter[str] = Counter()
    for batch in index.rows(CHUNKS, ["doc_id"], as_written=True):
        counts.update(batch.column("doc_id").to_pylist())
    return counts


def reread(index: Index, doc_ids: Sequence[str]) -> Iterator[PreparedDocument]:
    """These documents in this order, chunks and sentences in theirs.

    What an older layout has no column for is made of what it has. Vectors may be damaged; those of a document that has
    rows of another embedding model than the index are all not numbers.
    """
    chunks, sentences = _rows(index, CHUNKS, ChunkRow, doc_ids), _rows(index, SENTENCES, SentenceRow, doc_ids)
    for doc_id in doc_ids:
        yield _document(doc_id, chunks[doc_id], sentences[doc_id], index)


def _rows(
    index: Index, table: str, kind: type[ChunkRow] | type[SentenceRow], doc_ids: Sequence[str]
) -> dict[str, list[_Row]]:
    wanted = {field.name for field in fields(kind)} | {_MODEL}
    found: dict[str, list[_Row]] = {doc_id: [] for doc_id in doc_ids}
    for batch in index.rows(table, doc_ids=doc_ids, as_written=True):
        kept = batch.select([name for name in batch.schema.names if name in wanted])
        for values, vector in zip(kept.to_pylist(), vectors_of(batch), strict=True):
            model = values.pop(_MODEL, index.embedder_name)
            found[values["doc_id"]].append(_Row(values, vector, model))
    return found


def _document(doc_id: str, chunks: list[_Row], sentences: list[_Row], index: Index) -> PreparedDocument:
    chunks = sorted(chunks, key=lambda row: row.values["position"])
    places = {row.values["chunk_id"]: place for place, row in enumerate(chunks)}
    sentences = sorted(
        sentences, key=lambda row: (places.get(row.values["chunk_id"], len(chunks)), row.values["position"])
    )
    is_ours = all(row.model == index.embedder_name for row in chunks)
    return PreparedDocument(
        doc_id=doc_id,
        chunks=tuple(ChunkRow(**row.values) for row in chunks),
        chunk_vectors=_vectors(chunks, index.dim, is_ours=is_ours),
        sentences=tuple(SentenceRow(**_completed(row.values, chunks)) for row in sentences),
        sentence_vectors=_vectors(sentences, index.dim, is_ours=is_ours),
    )


def _vectors(rows: list[_Row], dim: int, *, is_ours: bool) -> Vectors:
    if not is_ours:
        return np.full((len(rows), dim), np.nan, dtype=np.float32)
    return np.array([row.vector for row in rows], dtype=np.float32).reshape(len(rows), dim)


def _completed(sentence: dict[str, Any], chunks: list[_Row]) -> dict[str, Any]:
    return {"above": sentence["context"], "hash": chunks[0].values["hash"]} | sentence
