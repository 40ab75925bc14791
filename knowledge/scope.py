"""Where to search, in Python and in LanceDB's conditions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.errors import KnowledgeError
from knowledge.rows import ChunkRow

_COLLECTION_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


@dataclass(frozen=True)
class Scope:
    """Where to search: a collection, or of that only the documents of one title or one source."""

    collection: str = "default"
    title: str = ""
    source: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of its collection."""
        return not self.title and not self.source

    def admits(self, chunk: ChunkRow) -> bool:
        """Whether a chunk of the collection may be found."""
        return self.title in ("", chunk.title) and self.source in ("", chunk.source)

    @property
    def condition(self) -> str:
        """The same for LanceDB, over chunks."""
        named = {"title": self.title, "source": self.source}
        return " AND ".join(
            [of_collection(self.collection), *(f"{key} = {_quoted(name)}" for key, name in named.items() if name)]
        )


def check_collection(name: str) -> str:
    """The name, if it may be one. Raises `KnowledgeError`."""
    if not _COLLECTION_NAME.fullmatch(name):
        raise KnowledgeError(f"{name!r} cannot be a collection: use letters, digits, '.', '_' and '-', 64 at most.")
    return name


def of_collection(collection: str) -> str:
    """Rows of this collection."""
    return f"collection = '{check_collection(collection)}'"


def among(column: str, values: Sequence[str]) -> str:
    """`column IN (…)` for ids made by this package (hexadecimal digits and colons)."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _quoted(text: str) -> str:
    """A string of LanceDB's conditions."""
    return "'" + text.replace("'", "''") + "'"
