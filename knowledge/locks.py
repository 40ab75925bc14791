"""One writer at a time, over processes: an advisory lock on a file in the index's folder."""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from knowledge.errors import IndexLocked

_NAME = ".ingest.lock"
_RETRY_S = 0.1


@contextmanager
def exclusive(folder: Path, *, wait_s: float) -> Generator[None]:
    """Hold the folder's lock, made if missing. The system lets go of it when the process dies.

    Raises `IndexLocked` when another process or thread still holds it after `wait_s`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _NAME).open("a") as file:
        _lock(file, folder, deadline=time.monotonic() + wait_s)
        yield


def _lock(file: IO[str], folder: Path, *, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise IndexLocked(str(folder)) from error
            time.sleep(_RETRY_S)
        else:
            return
