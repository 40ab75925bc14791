"""Where an index lies, a folder or an object store, and what a folder tells without asking LanceDB."""

import time
from pathlib import Path

from knowledge.errors import IndexUnusable
from knowledge.tables import CHUNKS, SENTENCES

_SETTLED_S = 1.0
"""A folder that was last written to so long ago cannot have changed without showing it."""


class Location:
    """The place of one index; `uri` is a path or the address of an object store, of which nothing can be told."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.is_remote = "://" in uri
        self._folder = Path(uri)

    @property
    def may_hold_tables(self) -> bool:
        return self.is_remote or self._folder.is_dir()

    @property
    def folder_id(self) -> int:
        """Another number when somebody puts another folder in the place of this; 0 where there are no tables."""
        try:
            return 0 if self.is_remote else (self._folder / f"{CHUNKS}.lance").stat().st_ino
        except OSError:
            return 0

    def stamp(self) -> tuple[int, ...]:
        """Which folders the tables are and when each was last written to; nothing where that cannot be told.

        Clocks of file systems are coarse: right after a commit there may be another that looks the same.
        """
        if self.is_remote:
            return ()
        try:
            seen = [(self._folder / f"{table}.lance" / "_versions").stat() for table in (CHUNKS, SENTENCES)]
        except OSError:
            return ()
        is_settled = time.time() - max(one.st_mtime for one in seen) > _SETTLED_S
        return tuple(part for one in seen for part in (one.st_ino, one.st_mtime_ns)) if is_settled else ()

    def refuse_foreign_folder(self) -> None:
        """Raises `IndexUnusable` for a file, and for a folder with other things than an index."""
        if self.is_remote or not self._folder.exists():
            return
        if not self._folder.is_dir():
            raise IndexUnusable(self.uri, "it is a file, not a folder")
        strangers = [entry.name for entry in self._folder.iterdir() if not entry.name.startswith(".")]
        if strangers and not any(name.endswith(".lance") for name in strangers):
            raise IndexUnusable(self.uri, f"it holds other things, for example {min(strangers)}")
