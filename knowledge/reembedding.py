"""All vectors anew, from the texts that the index holds: for another embedding model, or for another layout of tables.

The new index grows beside the old one, which is used meanwhile; when it is complete it takes the old one's place.
Stopped or broken off, it goes on where it was.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from knowledge.index import Index
from knowledge.preparing import Embed, embedded
from knowledge.report import Progress, Step
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow, StoredDocument
from knowledge.tables import CHUNKS, SENTENCES

STAGING = ".reembed"


@dataclass(frozen=True)
class Reembedded:
    """`documents` have vectors of the new model; `is_complete` says whether the index has changed over to it."""

    documents: int
    is_complete: bool


def is_needed(index: Index, embedder: str, dim: int) -> bool:
    """Whether the index holds documents as another model, or an older layout, has them.

    Raises `IndexUnusable`, and `LayoutMismatch` for a newer layout.
    """
    return index.is_outdated() or index.made_with() not in (None, (embedder, dim))


def reembed(
    old: Index,
    new: Index,
    staging: Index,
    embed: Embed,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
    wait_s: float,
) -> Reembedded:
    """Make `new`, the same place as `old` with another model, out of `old`'s texts; `staging` is where it grows.

    `old` may be in an older layout. Raises `IndexLocked`, `IndexUnusable`, `StorageFull`.
    """
    with new.writing(wait_s=wait_s):
        if staging.made_with() not in (None, (new.embedder_name, new.dim)) or staging.is_outdated():
            staging.clear()
        documents = old.documents()
        _forget_outdated(staging, documents)
        done = _grow(staging, old, documents, embed, progress=progress, should_stop=should_stop)
        if done < len(documents):
            return Reembedded(documents=done, is_complete=False)
        new.become(staging.rows)
        new.optimize()
        _discard(staging)
    return Reembedded(documents=done, is_complete=True)


def _grow(
    staging: Index,
    old: Index,
    documents: list[StoredDocument],
    embed: Embed,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> int:
    """Embed what is not there yet; how many documents are there in the end."""
    staged = {document.doc_id for document in staging.documents()}
    missing = [document for document in documents if document.doc_id not in staged]
    done, chunks = len(documents) - len(missing), 0
    for document, prepared in _prepared(old, missing, embed, should_stop):
        staging.replace([prepared])
        done, chunks = done + 1, chunks + len(prepared.chunks)
        progress(Step(done=done, total=len(documents), source=document.source, chunks=chunks))
    return done


def _prepared(
    old: Index, documents: list[StoredDocument], embed: Embed, should_stop: Callable[[], bool]
) -> Iterator[tuple[StoredDocument, PreparedDocument]]:
    for document in documents:
        if should_stop():
            return
        yield document, embedded(document.doc_id, *_rows(old, document.doc_id), embed)


def _rows(index: Index, doc_id: str) -> tuple[tuple[ChunkRow, ...], tuple[SentenceRow, ...]]:
    """A document's rows; what an older layout has no column for is made of what it has."""
    chunks = tuple(ChunkRow(**row) for row in _texts(index, CHUNKS, ChunkRow, doc_id))
    sentences = _texts(index, SENTENCES, SentenceRow, doc_id)
    return chunks, tuple(SentenceRow(**_completed(row, chunks)) for row in sentences)


def _completed(sentence: dict[str, Any], chunks: tuple[ChunkRow, ...]) -> dict[str, Any]:
    return {"above": sentence["context"], "hash": chunks[0].hash} | sentence


def _texts(index: Index, table: str, row: type[ChunkRow] | type[SentenceRow], doc_id: str) -> Iterator[dict[str, Any]]:
    """One document's rows without their vectors."""
    wanted = {field.name for field in fields(row)}
    for batch in index.rows(table, doc_id=doc_id, as_written=True):
        yield from batch.select([name for name in batch.schema.names if name in wanted]).to_pylist()


def _forget_outdated(staging: Index, documents: list[StoredDocument]) -> None:
    """What was ingested again, or removed, since the staging began."""
    current = {(document.doc_id, document.hash) for document in documents}
    staged = staging.documents()
    staging.remove([document.doc_id for document in staged if (document.doc_id, document.hash) not in current])


def _discard(staging: Index) -> None:
    staging.drop()
    if "://" not in staging.uri:
        shutil.rmtree(Path(staging.uri), ignore_errors=True)
