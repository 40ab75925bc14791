"""Ingest: bring the index in line with files and folders."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from knowledge.chunks import Chunk, split
from knowledge.documents import MAX_DOCUMENT_BYTES, Document, content_hash, is_supported, parse, read_bytes
from knowledge.errors import DocumentError
from knowledge.index import ChunkRow, Index, PreparedDocument, SentenceRow, StoredDocument, check_collection
from knowledge.quotable import Sentence
from knowledge.store import Vectors

SENTENCE_SHARE = 0.45
"""Of a sentence's vector: the sentence alone; the rest is the sentence under its heading. Their sum is stored, so one
dot product with a question is the weighted mean of both similarities."""
_COMMIT_CHUNKS = 200
"""What an interrupted ingest can lose, and how often the index gets a new version."""
LOCK_WAIT_S = 600.0

Embed = Callable[[list[str]], Vectors]
"""Texts of documents in, [n, dim] unit vectors out; `Embedder.embed_passages`."""


@dataclass(frozen=True)
class Step:
    """One file is done: `done` of `total`, the last one `source`."""

    done: int
    total: int
    source: str


@dataclass(frozen=True)
class Report:
    """What an ingest did, by source. `failed` has a reason with each; `skipped` files in folders have no loader."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    """A file to read: `path` absolute, `source` the name shown, relative to the folder given (with its name)."""

    path: Path
    source: str


def ingest(
    paths: Sequence[str | Path],
    index: Index,
    embed: Embed,
    *,
    collection: str = "default",
    progress: Callable[[Step], None] | None = None,
    max_bytes: int = MAX_DOCUMENT_BYTES,
    rebuild: bool = False,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Report:
    """Put files and folders (with all below) into `collection`.

    Unchanged files are skipped by content hash, changed ones replaced, and what is gone from a folder or path given is
    removed. A file that fails is reported, its former version stays, and the rest goes in. Interrupted, it keeps what
    was committed. `embed` is called only when something is new. `rebuild` empties the whole index first, all
    collections.
    Raises `IndexLocked`, `IndexUnusable`, `EmbeddingMismatch`.
    """
    check_collection(collection)
    with index.writing(wait_s=lock_wait_s):
        if rebuild:
            index.clear()
        run = _Run(index=index, embed=embed, collection=collection, max_bytes=max_bytes)
        return run.over([Path(path) for path in paths], progress or _silent)


def document_id(collection: str, origin: str) -> str:
    """The same document in the same collection always has the same id."""
    return hashlib.sha256(f"{collection}\n{origin}".encode()).hexdigest()[:16]


def _silent(_: Step) -> None:
    pass


class _Run:
    """One ingest into one collection, under the index's lock."""

    def __init__(self, *, index: Index, embed: Embed, collection: str, max_bytes: int) -> None:
        self._index = index
        self._embed = embed
        self._collection = collection
        self._max_bytes = max_bytes
        self._known: dict[str, StoredDocument] = {}
        self._pending: list[PreparedDocument] = []
        self._added: list[str] = []
        self._changed: list[str] = []
        self._unchanged: list[str] = []
        self._removed: list[str] = []
        self._failed: list[tuple[str, str]] = []
        self._skipped: list[str] = []

    def over(self, paths: Sequence[Path], progress: Callable[[Step], None]) -> Report:
        self._index.revision()  # refuses an index of another embedding model even if nothing has changed
        self._known = {document.origin: document for document in self._index.documents(self._collection)}
        files = self._files(paths)
        for done, file in enumerate(files, start=1):
            try:
                self._take(file)
            except DocumentError as error:
                self._failed.append((error.source, error.reason))
            progress(Step(done=done, total=len(files), source=file.source))
        self._commit()
        self._remove_gone(paths, files)
        if self._added or self._changed or self._removed:
            self._index.optimize()
        return self._report()

    def _files(self, paths: Iterable[Path]) -> list[_File]:
        """Every file once, in order; the unsupported ones of folders go to the report instead."""
        found: dict[Path, _File] = {}
        for path in paths:
            absolute = path.resolve()
            if absolute.is_dir():
                for file in _walk(absolute):
                    if is_supported(file.path):
                        found.setdefault(file.path, file)
                    else:
                        self._skipped.append(file.source)
            elif absolute.exists() or absolute.as_posix() not in self._known:
                found.setdefault(absolute, _File(path=absolute, source=absolute.name))
        return list(found.values())

    def _take(self, file: _File) -> None:
        data = read_bytes(file.path, source=file.source, max_bytes=self._max_bytes)
        known = self._known.get(file.path.as_posix())
        if known and known.hash == content_hash(data):
            self._unchanged.append(file.source)
            return
        document = parse(data, path=file.path, source=file.source)
        self._pending.append(self._prepare(document))
        (self._changed if known else self._added).append(file.source)
        if sum(len(prepared.chunks) for prepared in self._pending) >= _COMMIT_CHUNKS:
            self._commit()

    def _prepare(self, document: Document) -> PreparedDocument:
        doc_id = document_id(self._collection, document.origin)
        chunks = split(document)
        rows = tuple(_chunk_row(chunk, document, doc_id, self._collection) for chunk in chunks)
        sentences = tuple(row for chunk in chunks for row in _sentence_rows(chunk, document, doc_id, self._collection))
        return PreparedDocument(
            doc_id=doc_id,
            chunks=rows,
            chunk_vectors=self._embed([f"{document.title}\n{chunk.text}" for chunk in chunks]),
            sentences=sentences,
            sentence_vectors=self._sentence_vectors(chunks, document.title),
        )

    def _sentence_vectors(self, chunks: Sequence[Chunk], title: str) -> Vectors:
        sentences = [sentence for chunk in chunks for sentence in chunk.sentences if sentence.is_quotable]
        alone = self._embed([sentence.text for sentence in sentences])
        placed = self._embed([f"{_above(sentence, title)}. {sentence.text}" for sentence in sentences])
        return (SENTENCE_SHARE * alone + (1 - SENTENCE_SHARE) * placed).astype(np.float32)

    def _commit(self) -> None:
        self._index.replace(self._pending)
        self._pending = []

    def _remove_gone(self, paths: Sequence[Path], files: Sequence[_File]) -> None:
        """Forget what was under the paths given and is no longer, and former places of files that were moved."""
        seen = {file.path.as_posix() for file in files}
        sources = {file.source for file in files}
        roots = [path.resolve() for path in paths]
        gone = [
            document
            for document in self._known.values()
            if document.origin not in seen
            and not Path(document.origin).exists()
            and (document.source in sources or any(Path(document.origin).is_relative_to(root) for root in roots))
        ]
        self._index.remove([document.doc_id for document in gone])
        self._removed.extend(sorted(document.source for document in gone))

    def _report(self) -> Report:
        return Report(
            added=tuple(self._added),
            changed=tuple(self._changed),
            unchanged=tuple(self._unchanged),
            removed=tuple(self._removed),
            failed=tuple(self._failed),
            skipped=tuple(self._skipped),
        )


def _walk(folder: Path) -> Iterator[_File]:
    """All files below a folder, sorted, without hidden files and folders; each shown as `folder name/path below`."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                path = Path(parent, name)
                yield _File(path=path, source=path.relative_to(folder.parent).as_posix())


def _chunk_row(chunk: Chunk, document: Document, doc_id: str, collection: str) -> ChunkRow:
    return ChunkRow(
        chunk_id=f"{doc_id}:{chunk.position}",
        doc_id=doc_id,
        text=chunk.text,
        title=document.title,
        heading=chunk.heading,
        source=document.source,
        origin=document.origin,
        collection=collection,
        position=chunk.position,
        hash=document.hash,
        page=chunk.page,
        ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _sentence_rows(chunk: Chunk, document: Document, doc_id: str, collection: str) -> Iterator[SentenceRow]:
    quotable = (sentence for sentence in chunk.sentences if sentence.is_quotable)
    for place, sentence in enumerate(quotable):
        yield SentenceRow(
            sentence_id=f"{doc_id}:{chunk.position}:{place}",
            chunk_id=f"{doc_id}:{chunk.position}",
            doc_id=doc_id,
            text=sentence.text,
            context=". ".join(filter(None, [document.title, *sentence.headings, sentence.lead])),
            collection=collection,
            position=place,
            page=sentence.page,
            above=_above(sentence, document.title),
            hash=document.hash,
        )


def _above(sentence: Sentence, title: str) -> str:
    """What a sentence is embedded under: its headings, or else the title, and the introduction of its list."""
    return " ".join([*(sentence.headings or (title,)), sentence.lead]).strip()
