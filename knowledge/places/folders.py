"""Files and folders of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

from knowledge.decoding import mended
from knowledge.documents import read_bytes
from knowledge.errors import DocumentMissing, DocumentUnreadable, MisnamedDocument
from knowledge.places.item import Content, Item, is_local
from knowledge.places.patterns import compiled, fixed_root


class Folder:
    """A folder with all below it, or one file; `path` is absolute."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def items(self) -> Iterator[Item]:
        if os.path.isdir(self.path):
            yield from _walk(self.path)
        elif is_gone(self.path):
            raise DocumentMissing(self.path.name)
        else:
            yield _item(self.path, self.path.name, is_named=True)

    def covers(self, origin: str) -> bool:
        return is_local(origin) and Path(origin).is_relative_to(self.path)

    def has_lost(self, origin: str) -> bool:
        return is_gone(Path(origin))


class Draft:
    """One file that is to become `path` once it is read in; until then it lies elsewhere, under a name of its kind."""

    def __init__(self, draft: Path, path: Path) -> None:
        self._draft = draft
        self._path = path

    def items(self) -> Iterator[Item]:
        yield _item(self._path, self._path.name, is_named=True, draft=self._draft)

    def covers(self, origin: str) -> bool:
        return origin == self._path.as_posix()

    def has_lost(self, origin: str) -> bool:
        """What was there before stays until it is replaced."""
        return False


class Glob:
    """The files that a pattern matches, and all below the folders that it matches."""

    def __init__(self, pattern: str) -> None:
        whole = os.path.abspath(pattern)
        self.path = Path(fixed_root(whole) or "/")
        self._matches = compiled(whole)
        self._pattern = pattern

    def items(self) -> Iterator[Item]:
        found = [item for item in _walk(self.path) if self.covers(item.origin)]
        if not found:
            raise DocumentMissing(self._pattern)
        yield from found

    def covers(self, origin: str) -> bool:
        return is_local(origin) and bool(self._matches.fullmatch(origin))

    def has_lost(self, origin: str) -> bool:
        return is_gone(Path(origin))


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is no document: hidden, or a table of an index."""
    return name.startswith(".") or name.endswith(".lance")


def is_gone(path: Path) -> bool:
    """Whether there is no such file or folder. One that may not be looked at is not gone."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _walk(folder: Path) -> Iterator[Item]:
    """All files below a folder, sorted, each shown as `folder name/path below`; without hidden ones and indexes.

    Links to folders are followed, to each folder once. Folders that may not be read follow, for a refusal of their own.
    """
    barred: list[OSError] = []
    seen = {os.path.realpath(folder)}
    for parent, folders, names in os.walk(folder, onerror=barred.append, followlinks=True):
        below = sorted((Path(parent, name) for name in folders if not is_ignored(name)), key=_links_last)
        folders[:] = [path.name for path in below if _is_new(path, seen)]
        for name in sorted(names):
            if not is_ignored(name):
                path = Path(parent, name)
                yield _item(path, path.relative_to(folder.parent).as_posix())
    for error in barred:
        path = Path(error.filename)
        if not is_gone(path):
            yield _barred(path, path.relative_to(folder.parent).as_posix(), error)


def _links_last(folder: Path) -> tuple[bool, str]:
    return folder.is_symlink(), folder.name


def _is_new(folder: Path, seen: set[str]) -> bool:
    """Whether no link has led to this folder before; `seen` then knows it."""
    place = os.path.realpath(folder)
    is_new = place not in seen
    seen.add(place)
    return is_new


def _barred(folder: Path, source: str, error: OSError) -> Item:
    """A folder whose documents cannot be seen, as one that cannot be read."""
    source = mended(source)

    def fetch(max_bytes: int, known: str = "") -> Content:
        raise DocumentUnreadable(source, error.strerror or type(error).__name__)

    return Item(origin=folder.as_posix(), source=source, name=folder.name, fetch=fetch, is_named=True)


def _item(path: Path, source: str, *, is_named: bool = False, draft: Path | None = None) -> Item:
    origin, source = path.as_posix(), mended(source)

    def fetch(max_bytes: int, known: str = "") -> Content:
        if mended(origin) != origin:
            raise MisnamedDocument(source)
        return Content(read_bytes(draft or path, source=source, max_bytes=max_bytes), path.name)

    return Item(origin=origin, source=source, name=path.name, fetch=fetch, is_named=is_named)
