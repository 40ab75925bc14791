"""How the places of documents tell one version from another, so that what is unchanged need not be read again."""

from collections.abc import Iterable
from functools import cached_property

from knowledge.documents import content_hash
from knowledge.index import Index
from knowledge.places.item import Content
from knowledge.rows import StoredDocument

_READER = content_hash(b"")[:8]
"""Another one once loaders read anything differently: then everything is to be read again."""


class Stamps:
    """The stamps beside an index. One counts for as long as the index holds the very text that it was given with."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._has_changed = False

    @cached_property
    def _kept(self) -> dict[str, str]:
        return self._index.stamps()

    def of(self, document: StoredDocument | None) -> str:
        """The stamp of the version that is in the index; empty if it has none."""
        if document is None:
            return ""
        mark = f"{_READER} {document.hash} "
        kept = self._kept.get(document.doc_id, "")
        return kept.removeprefix(mark) if kept.startswith(mark) else ""

    def note(self, doc_id: str, content: Content) -> None:
        """Remember the stamp of what was read."""
        value = f"{_READER} {content_hash(content.data)} {content.stamp}"
        if content.stamp and self._kept.get(doc_id) != value:
            self._kept[doc_id] = value
            self._has_changed = True

    def forget(self, doc_ids: Iterable[str]) -> None:
        """These documents are gone."""
        for doc_id in doc_ids:
            self._has_changed |= self._kept.pop(doc_id, None) is not None

    def keep(self) -> None:
        """Write down what has changed. Raises what `Index` does."""
        if self._has_changed:
            self._index.stamp(self._kept)
