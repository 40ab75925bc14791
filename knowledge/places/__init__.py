"""Where documents come from: folders, object stores, the web. Each kind of place lists its items and fetches them."""

import re
from collections.abc import Sequence
from pathlib import Path

from knowledge.places.addresses import Address, AddressList, NoList, listed_addresses
from knowledge.places.folders import Folder, Glob
from knowledge.places.item import Place
from knowledge.places.objects import Objects, S3Access
from knowledge.places.patterns import is_pattern

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def place_of(word: str | Path, *, s3: S3Access) -> Place:
    """What an argument of an ingest means: `s3://…`, `https://…`, a glob, a list of addresses, a file or a folder.

    A file given by name that holds nothing but web addresses, one a line, is a list of them; what cannot be read keeps
    the pages that it listed.
    """
    text = str(word)
    if text.startswith("s3://"):
        return Objects(text, s3)
    if _ADDRESS.match(text):
        return Address(text)
    path = Path(text)
    if is_pattern(text) and not path.exists():
        return Glob(text)
    match listed_addresses(path):
        case None:
            return Folder(path.resolve())
        case ():
            return NoList(path.resolve())
        case addresses:
            return AddressList(path.resolve(), addresses)


def places_of(words: Sequence[str | Path | Place], *, s3: S3Access) -> list[Place]:
    """The place that each argument means, if it is not one already."""
    return [place_of(word, s3=s3) if isinstance(word, str | Path) else word for word in words]
