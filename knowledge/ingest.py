"""Ingest: bring the index in line with files, folders, object stores and web pages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from knowledge.documents import MAX_DOCUMENT_BYTES, Document, content_hash, is_supported, parse
from knowledge.errors import DocumentError, DocumentMissing
from knowledge.index import Index
from knowledge.places import S3Access, places_of
from knowledge.places.folders import is_gone
from knowledge.places.item import Item, Place, Unchanged, is_local
from knowledge.preparing import Embed, document_id, prepare
from knowledge.report import Progress, Report, Step, Tally
from knowledge.rows import PreparedDocument, StoredDocument
from knowledge.scope import check_collection
from knowledge.stamps import Stamps
from knowledge.store import Vectors

__all__ = ["LOCK_WAIT_S", "Embed", "Report", "Step", "document_id", "ingest"]

_COMMIT_CHUNKS = 200
"""What a broken ingest can lose, and how often the index gets a new version."""
_EMBEDDED_AT_A_TIME = 64
"""Texts between two looks at whether to stop."""
LOCK_WAIT_S = 600.0


def ingest(
    paths: Sequence[str | Path | Place],
    index: Index,
    embed: Embed,
    *,
    collection: str = "default",
    progress: Progress | None = None,
    max_bytes: int = MAX_DOCUMENT_BYTES,
    s3: S3Access | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Report:
    """Put files, folders with all below, globs, `s3://` prefixes, web addresses and lists of them into `collection`.

    What is unchanged is skipped by content hash, what changed is replaced, and what is gone from a place given is
    removed. A document that fails is reported, its former version stays, and the rest goes in. Told to stop, it
    commits what is ready and says so in the report; killed, it keeps what was committed. `embed` is called only when
    something is new.
    Raises `IndexLocked`, `IndexUnusable`, `StorageFull`, `EmbeddingMismatch`.
    """
    check_collection(collection)
    places = places_of(paths, s3=s3 or S3Access())
    with index.writing(wait_s=lock_wait_s):
        run = _Run(index, embed, collection=collection, max_bytes=max_bytes, should_stop=should_stop)
        return run.over(places, progress or _silent)


def _silent(_: Step) -> None:
    pass


class _Stopped(Exception):
    """The owner does not want to wait any longer."""


class _Run:
    """One ingest into one collection, under the index's lock."""

    def __init__(
        self, index: Index, embed: Embed, *, collection: str, max_bytes: int, should_stop: Callable[[], bool]
    ) -> None:
        self._index = index
        self._embedder = embed
        self._collection = collection
        self._max_bytes = max_bytes
        self._should_stop = should_stop
        self._known: dict[str, StoredDocument] = {}
        self._pending: list[PreparedDocument] = []
        self._listed: list[Place] = []
        self._stamps = Stamps(index)
        self._tally = Tally()

    def over(self, places: Sequence[Place], progress: Progress) -> Report:
        self._index.revision()  # refuses an index of another embedding model even if nothing has changed
        self._known = {document.origin: document for document in self._index.documents(self._collection)}
        items = self._items(places)
        try:
            self._take_all(items, progress)
        except _Stopped:
            self._tally.interrupted = True
        finally:
            self._commit()
        if not self._tally.interrupted:
            self._remove_gone(items)
        self._stamps.keep()
        report = self._tally.report()
        if report.has_changed:
            self._index.optimize()
        return report

    def _items(self, places: Iterable[Place]) -> list[Item]:
        """Every document once, in order; those of no known kind in folders go to the report instead."""
        found: dict[str, Item] = {}
        for place in places:
            try:
                for item in place.items():
                    if item.is_named or is_supported(item.name):
                        found.setdefault(item.origin, item)
                    else:
                        self._tally.skipped.append(item.source)
            except DocumentMissing as error:
                if not any(place.covers(origin) for origin in self._known):
                    self._fail(error)
                    continue
            except DocumentError as error:
                self._fail(error)
                continue
            self._listed.append(place)
        return list(found.values())

    def _take_all(self, items: Sequence[Item], progress: Progress) -> None:
        for done, item in enumerate(items, start=1):
            self._stop_if_told()
            try:
                self._take(item)
            except DocumentError as error:
                self._fail(error)
            progress(Step(done=done, total=len(items), source=item.source, chunks=self._tally.chunks))

    def _take(self, item: Item) -> None:
        known = self._known.get(item.origin)
        try:
            content = item.fetch(self._max_bytes, self._stamps.of(known))
        except Unchanged:
            self._tally.unchanged.append(item.source)
            return
        self._stamps.note(document_id(self._collection, item.origin), content)
        if known and known.hash == content_hash(content.data):
            self._tally.unchanged.append(item.source)
            return
        document = parse(content.data, name=content.name, origin=item.origin, source=item.source)
        self._pending.append(prepare(document, collection=self._collection, embed=self._embed))
        self._count(document, is_new=known is None)
        if sum(len(prepared.chunks) for prepared in self._pending) >= _COMMIT_CHUNKS:
            self._commit()

    def _count(self, document: Document, *, is_new: bool) -> None:
        (self._tally.added if is_new else self._tally.changed).append(document.source)
        self._tally.chunks += len(self._pending[-1].chunks)
        if document.note:
            self._tally.notes.append((document.source, document.note))

    def _embed(self, texts: list[str]) -> Vectors:
        parts = [self._embed_some(batch) for batch in _batches(texts)]
        return np.concatenate(parts) if parts else self._embedder([])

    def _embed_some(self, texts: list[str]) -> Vectors:
        self._stop_if_told()
        return self._embedder(texts)

    def _stop_if_told(self) -> None:
        if self._should_stop():
            raise _Stopped

    def _commit(self) -> None:
        pending, self._pending = self._pending, []
        self._index.replace(pending)

    def _remove_gone(self, items: Sequence[Item]) -> None:
        """Forget what was in the places given and is no longer, and former paths of files that were moved."""
        seen = {item.origin for item in items}
        sources = {item.source for item in items}
        gone = [
            document
            for document in self._known.values()
            if document.origin not in seen and (self._is_lost(document.origin) or _has_moved(document, sources))
        ]
        self._index.remove([document.doc_id for document in gone])
        self._stamps.forget(document.doc_id for document in gone)
        self._tally.removed.extend(sorted(document.source for document in gone))

    def _is_lost(self, origin: str) -> bool:
        return any(place.covers(origin) and place.has_lost(origin) for place in self._listed)

    def _fail(self, error: DocumentError) -> None:
        self._tally.failed.append((error.source, error.reason))


def _has_moved(document: StoredDocument, sources: set[str]) -> bool:
    """Whether a file with this document's name under its folder was read, and its own path is no more."""
    return document.source in sources and is_local(document.origin) and is_gone(Path(document.origin))


def _batches(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), _EMBEDDED_AT_A_TIME):
        yield texts[start : start + _EMBEDDED_AT_A_TIME]
