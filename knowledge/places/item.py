"""What all places have in common."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Content:
    """The bytes of a document, and a name whose ending tells its kind."""

    data: bytes
    name: str


@dataclass(frozen=True)
class Item:
    """A document that may be fetched. `origin` identifies it for ever, `source` is shown.

    `name` tells its kind where that is known before it is fetched. `fetch(max_bytes)` raises a `DocumentError`.
    `is_named`: the owner named this very document, it was not found in a folder.
    """

    origin: str
    source: str
    name: str
    fetch: Callable[[int], Content]
    is_named: bool = False


class Place(Protocol):
    """An argument of an ingest."""

    def items(self) -> Iterator[Item]:
        """Every document that is there now. Raises `DocumentMissing`, or `NotFetched` if it cannot be listed."""
        ...

    def covers(self, origin: str) -> bool:
        """Whether a document with this origin would be among the items, if it existed."""
        ...

    def has_lost(self, origin: str) -> bool:
        """Whether a covered document that is not among the items is to be forgotten."""
        ...
