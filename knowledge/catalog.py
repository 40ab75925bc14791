"""What is in an index: its documents and its numbers. Needs no embedding model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.index import Index
from knowledge.rows import ChunkRow
from knowledge.tables import CHUNKS


@dataclass(frozen=True)
class Entry:
    """A document in the index. `pages` is the last page with text, 0 without pages; `ingested_at` is UTC, ISO 8601."""

    doc_id: str
    collection: str
    title: str
    source: str
    origin: str
    hash: str
    chunks: int
    pages: int
    ingested_at: str


@dataclass(frozen=True)
class CollectionNumbers:
    """How much one collection holds."""

    name: str
    documents: int
    chunks: int
    sentences: int


@dataclass(frozen=True)
class Numbers:
    """How much an index holds. `size_bytes` is None in an object store."""

    uri: str
    embedder: str
    dim: int
    size_bytes: int | None
    last_ingest: str
    collections: tuple[CollectionNumbers, ...]


_COLUMNS = ("doc_id", "collection", "title", "source", "origin", "hash", "position", "page", "ingested_at")


def entries(index: Index, collection: str = "") -> list[Entry]:
    """Every document, or those of one collection, by collection and source."""
    chunks: Counter[str] = Counter()
    pages: Counter[str] = Counter()
    firsts: list[dict[str, str]] = []
    for batch in index.rows(CHUNKS, _COLUMNS):
        for row in batch.to_pylist():
            chunks[row["doc_id"]] += 1
            pages[row["doc_id"]] = max(pages[row["doc_id"]], row.pop("page"))
            if row.pop("position") == 0 and collection in ("", row["collection"]):
                firsts.append(row)
    found = [Entry(**row, chunks=chunks[row["doc_id"]], pages=pages[row["doc_id"]]) for row in firsts]
    return sorted(found, key=lambda entry: (entry.collection, entry.source))


def matching(found: Sequence[Entry], word: str) -> list[Entry]:
    """The entries that a person means: by id or its beginning, source, path or title; else by a part of the source."""
    exact = [entry for entry in found if word in (entry.doc_id, entry.source, entry.origin, entry.title)]
    return (
        exact
        or [entry for entry in found if len(word) >= 4 and entry.doc_id.startswith(word)]
        or [entry for entry in found if word.lower() in entry.source.lower()]
    )


def chunks_of(index: Index, doc_id: str) -> list[ChunkRow]:
    """One document's chunks in order."""
    columns = list(ChunkRow.__dataclass_fields__)
    rows = [row for batch in index.rows(CHUNKS, columns, doc_ids=[doc_id]) for row in batch.to_pylist()]
    return sorted((ChunkRow(**row) for row in rows), key=lambda row: row.position)


def numbers(index: Index) -> Numbers:
    """How much the index holds, by collection."""
    documents = entries(index)
    collections = [
        CollectionNumbers(
            name=name,
            documents=sum(entry.collection == name for entry in documents),
            chunks=sum(entry.chunks for entry in documents if entry.collection == name),
            sentences=index.count_sentences(name),
        )
        for name in sorted({entry.collection for entry in documents})
    ]
    return Numbers(
        uri=index.uri,
        embedder=index.embedder_name,
        dim=index.dim,
        size_bytes=_size_bytes(index.uri),
        last_ingest=max((entry.ingested_at for entry in documents), default=""),
        collections=tuple(collections),
    )


def _size_bytes(uri: str) -> int | None:
    if "://" in uri:
        return None
    return sum(path.stat().st_size for path in Path(uri).rglob("*") if path.is_file())
