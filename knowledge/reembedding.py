"""An index made anew from what it holds: for another embedding model from its texts, for another layout of tables from
its texts and vectors.

The new index grows beside the old one, which is used meanwhile; when it is complete it takes the old one's place.
Stopped or broken off, it goes on where it was.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.index import Index
from knowledge.preparing import Embed, embedded, mended
from knowledge.report import Progress, Step
from knowledge.rereading import chunk_counts, reread
from knowledge.rows import PreparedDocument, StoredDocument

STAGING = ".reembed"
_COMMIT_EMBEDDED = 200
"""Chunks whose vectors are computed between two commits: what a broken rebuild can lose."""
_COMMIT_KEPT = 2000
"""The same where vectors are kept: a commit takes the longer the more is there, keeping a vector nothing."""


@dataclass(frozen=True)
class Reembedded:
    """`documents` are in the new index; `is_complete` says whether the index has changed over to it."""

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

    `old` may be in an older layout. If it is of the same model its vectors are kept, and `embed` is called only in the
    place of those that are damaged. Raises `IndexLocked`, `IndexUnusable`, `StorageFull`.
    """
    with new.writing(wait_s=wait_s):
        if staging.made_with() not in (None, (new.embedder_name, new.dim)) or staging.is_outdated():
            staging.clear()
        documents = old.documents()
        _forget_outdated(staging, documents)
        growth = _Growth(old, staging, embed, progress=progress, should_stop=should_stop)
        done = growth.over(documents)
        if done < len(documents):
            return Reembedded(documents=done, is_complete=False)
        new.become(staging.rows)
        new.optimize()
        _discard(staging)
    return Reembedded(documents=done, is_complete=True)


class _Growth:
    """What is not in `staging` yet goes in, some documents at a time: `old` is not searched through for each."""

    def __init__(
        self, old: Index, staging: Index, embed: Embed, *, progress: Progress, should_stop: Callable[[], bool]
    ) -> None:
        self._old = old
        self._staging = staging
        self._embed = embed
        self._progress = progress
        self._should_stop = should_stop
        self._keeps_vectors = old.made_with() == (staging.embedder_name, staging.dim)
        self._done = 0
        self._chunks = 0

    def over(self, documents: Sequence[StoredDocument]) -> int:
        """How many documents are there in the end."""
        staged = {document.doc_id for document in self._staging.documents()}
        missing = [document for document in documents if document.doc_id not in staged]
        self._done = len(documents) - len(missing)
        at_a_time = _COMMIT_KEPT if self._keeps_vectors else _COMMIT_EMBEDDED
        for group in _grouped(missing, chunk_counts(self._old), chunks=at_a_time):
            if self._should_stop():
                break
            self._take(group, total=len(documents))
        return self._done

    def _take(self, group: Sequence[StoredDocument], *, total: int) -> None:
        """Told to stop, or broken off by an error, it commits what is ready."""
        ready: list[PreparedDocument] = []
        try:
            for document, held in zip(group, reread(self._old, [one.doc_id for one in group]), strict=True):
                if self._should_stop():
                    return
                ready.append(self._renewed(held))
                self._done, self._chunks = self._done + 1, self._chunks + len(held.chunks)
                self._progress(Step(done=self._done, total=total, source=document.source, chunks=self._chunks))
        finally:
            self._staging.replace(ready)

    def _renewed(self, held: PreparedDocument) -> PreparedDocument:
        if self._keeps_vectors:
            return mended(held, self._embed)
        return embedded(held.doc_id, held.chunks, held.sentences, self._embed)


def _grouped(
    documents: Sequence[StoredDocument], counts: Counter[str], *, chunks: int
) -> Iterator[list[StoredDocument]]:
    """One after another until they have so many chunks together."""
    group: list[StoredDocument] = []
    size = 0
    for document in documents:
        group.append(document)
        size += counts[document.doc_id]
        if size >= chunks:
            yield group
            group, size = [], 0
    if group:
        yield group


def _forget_outdated(staging: Index, documents: list[StoredDocument]) -> None:
    """What was ingested again, or removed, since the staging began."""
    current = {(document.doc_id, document.hash) for document in documents}
    staged = staging.documents()
    staging.remove([document.doc_id for document in staged if (document.doc_id, document.hash) not in current])


def _discard(staging: Index) -> None:
    staging.drop()
    if "://" not in staging.uri:
        shutil.rmtree(Path(staging.uri), ignore_errors=True)
