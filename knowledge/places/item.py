"""What all places have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Content:
    """The bytes of a document, and a name whose ending tells its kind.

    `stamp` tells this version from others without reading them; empty where the place gives nothing of the sort.
    """

    data: bytes
    name: str
    stamp: str = ""


class Unchanged(Exception):
    """The place still has the version that is known; nothing was read."""


class Fetch(Protocol):
    """Reads a document. Raises a `DocumentError`, or `Unchanged` if its stamp is still the one that is `known`."""

    def __call__(self, max_bytes: int, known: str = "") -> Content: ...


def is_local(origin: str) -> bool:
    """Whether this identifies a file of this machine, not an object or a web page, listed in a file or not."""
    return "://" not in origin


@dataclass(frozen=True)
class Item:
    """A document that may be fetched. `origin` identifies it for ever, `source` is shown.

    `name` tells its kind where that is known before it is fetched.
    `is_named`: the owner named this very document, it was not found in a folder.
    """

    origin: str
    source: str
    name: str
    fetch: Fetch
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
