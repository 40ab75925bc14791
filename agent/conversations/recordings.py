"""The folder of recorded calls: one folder for each conversation, deleted with it."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from agent.conversations.turns import is_id


class Recordings:
    """Recordings under `folder`, for the machine's owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_file(self, conversation_id: str, *, at: datetime | None = None) -> Path:
        """A place for one more recording, named after the moment. Raises `OSError`."""
        folder = self._of(conversation_id)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{(at or datetime.now(UTC)):%Y%m%dT%H%M%S%f}.ogg"

    def files(self, conversation_id: str) -> list[Path]:
        """The recordings of a conversation, oldest first."""
        return sorted(self._of(conversation_id).glob("*.ogg"))

    def untouched_since(self, moment: datetime) -> list[str]:
        """The conversations whose recordings are older than that."""
        folders = self._folder.iterdir() if self._folder.is_dir() else ()
        return [one.name for one in folders if is_id(one.name) and _changed_at(one) < moment.timestamp()]

    def remove(self, conversation_id: str) -> None:
        """Delete the recordings of a conversation."""
        shutil.rmtree(self._of(conversation_id), ignore_errors=True)

    def _of(self, conversation_id: str) -> Path:
        if not is_id(conversation_id):
            raise ValueError("this is no conversation's id")
        return self._folder / conversation_id


def _changed_at(folder: Path) -> float:
    """When something was last written there, in seconds since 1970."""
    with suppress(OSError):
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    return inf
