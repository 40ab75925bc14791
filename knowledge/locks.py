"""One writer at a time, over processes: an advisory lock on a file in the index's folder.

An index in an object store is locked for this machine's processes; between machines the store orders its commits.
"""

import fcntl
import hashlib
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from knowledge.errors import IndexLocked

_NAME = ".ingest.lock"
_RETRY_S = 0.1


@contextmanager
def exclusive(folder: Path, *, uri: str, wait_s: float) -> Generator[None]:
    """Hold the folder's lock, made if missing; `uri` is what it guards. The system frees it when the process dies.

    Raises `IndexLocked` when another process or thread still holds it after `wait_s`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _NAME).open("a") as file:
        _lock(file, uri, deadline=time.monotonic() + wait_s)
        yield


def remote_lock(uri: str) -> Path:
    """The folder on this machine that stands for an index in an object store."""
    return Path(tempfile.gettempdir(), f"landline-{hashlib.sha256(uri.encode()).hexdigest()[:16]}")


def _lock(file: IO[str], uri: str, *, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise IndexLocked(uri) from error
            time.sleep(_RETRY_S)
        else:
            return
