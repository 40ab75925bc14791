"""What is kept on disk of a running call, so that another process can go on with it if this one dies.

The call of room ROOM has two files in `run/calls`: `ROOM.json` with its newest messages, and `ROOM.lock`, which its job
process holds locked for as long as it lives, however it ends. A record that nobody holds is a call that broke. With
`ROOM.deleted` beside them, the conversation was deleted while the call runs: the record has no messages any more. All
are for the machine's owner alone and go when the call ends.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

from pydantic import TypeAdapter

logger = logging.getLogger(__name__)

CALLS_FOLDER = Path("run/calls")
WAITING_FOLDER = Path("run/waiting")
NOBODY = 0
PRIVATE = 0o600
LATELY_S = 60.0
TAKE_TRIES, TAKE_EVERY_S = 10, 0.02
"""Whoever looks whether a call is held holds it for a moment itself."""

Message = dict[str, str]


@dataclass(frozen=True)
class CallRecord:
    """A call as another process needs it."""

    room: str
    agent: str = ""
    """Identity of the agent's participant."""
    process: int = NOBODY
    """Id of the job process; `NOBODY` until one has taken the call on."""
    messages: tuple[Message, ...] = ()
    """The newest messages, oldest first, as `{"role", "content"}`."""
    resumed_at_s: tuple[float, ...] = ()
    """When the call was handed to another process, in seconds since 1970."""
    conversation: str = ""
    """Id of the conversation that the call belongs to, if it is kept."""
    waiting_since_s: float = 0.0
    """When somebody who waits for a line came, in seconds since 1970."""

    @property
    def sent_for_at_s(self) -> float:
        """When a process was last sent for."""
        return max((self.waiting_since_s, *self.resumed_at_s))

    def lately_resumed(self, *, now_s: float) -> int:
        """How often the call broke within the last minute."""
        return sum(now_s - moment < LATELY_S for moment in self.resumed_at_s)

    def open_question(self, *, now_s: float) -> str:
        """What the caller said last, if nobody answered; empty if that may be what broke the call twice."""
        if not self.messages or self.messages[-1]["role"] != "user" or self.lately_resumed(now_s=now_s) > 1:
            return ""
        return self.messages[-1]["content"]


_JSON = TypeAdapter(CallRecord)


class Lock:
    """A lock on a file, lost by dying."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Hold the lock from now on; `False` if somebody else does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE)
        if not _is_locked_now(file):
            os.close(file)
            return False
        self._file = file
        return True

    def is_held(self) -> bool:
        """Whether anybody holds it. Leaves no file where there was none."""
        try:
            file = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _is_locked_now(file)
        finally:
            os.close(file)

    def give_back(self) -> None:
        """Hold it no longer."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _is_locked_now(file: int) -> bool:
    """Lock the open `file`; `False` if somebody else has it, or if it was removed meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(file).st_nlink > 0


class CallRecords:
    """The records in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rooms(self) -> set[str]:
        """The rooms of all calls on record."""
        return {unquote(path.stem) for path in self._folder.glob("*.json")}

    @property
    def folder(self) -> Path:
        """Where the records are, once there are any."""
        return self._folder

    @property
    def watch(self) -> Path:
        """The lock of the worker that looks after these calls (`agent/rescue.py`)."""
        return self._folder.with_suffix(".lock")

    def expect(self, room: str, *, now_s: float) -> None:
        """The call in `room` will be on record soon: `ROOM.coming` says so. A full disk is no reason to refuse it."""
        path = self._file(room, ".coming")
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(PRIVATE)
            os.utime(path, (now_s, now_s))

    def expected(self, *, since_s: float) -> set[str]:
        """Rooms whose call has been on its way since `since_s` at the earliest."""
        rooms = set[str]()
        for path in self._folder.glob("*.coming"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime > since_s:
                    rooms.add(unquote(path.stem))
                else:
                    path.unlink()
        return rooms

    def read(self, room: str) -> CallRecord | None:
        """The record of `room`, unless there is none that can be read."""
        try:
            return _JSON.validate_json(self._file(room, ".json").read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, record: CallRecord) -> None:
        """Replace the record in one step. Raises `OSError`."""
        is_deleted = self._is_deleted(record.room)
        self._replace(replace(record, messages=()) if is_deleted else record)
        if not is_deleted and self._is_deleted(record.room):  # by another process, meanwhile
            self._replace(replace(record, messages=()))

    def forget(self, conversations: Collection[str]) -> None:
        """Keep nothing that was or will be said in calls of these conversations, which were deleted."""
        for record in filter(None, map(self.read, self.rooms())):
            if record.conversation in conversations:
                try:
                    self._file(record.room, ".deleted").touch(PRIVATE)
                    self.write(record)
                except OSError as error:
                    logger.error("a call's record still holds what was deleted, until it ends: %s", error.strerror)

    def _is_deleted(self, room: str) -> bool:
        return self._file(room, ".deleted").exists()

    def _replace(self, record: CallRecord) -> None:
        self._make_folder()
        path = self._file(record.room, ".json")
        part = path.with_suffix(f".{os.getpid()}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
                file.write(_JSON.dump_json(record))
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise

    def remove(self, room: str) -> None:
        """Forget the call, and what a process that was killed in the middle of writing has left of it."""
        torn = [path.suffix for path in self._folder.glob("*.[0-9]*") if path.stem == quote(room, safe="")]
        for suffix in (".json", ".lock", ".deleted", ".coming", *torn):
            with suppress(OSError):
                self._file(room, suffix).unlink()

    def lock(self, room: str) -> Lock:
        """What the process of the call in `room` holds."""
        self._make_folder()
        return Lock(self._file(room, ".lock"))

    def is_held(self, room: str) -> bool:
        """Whether a living process has the call."""
        return Lock(self._file(room, ".lock")).is_held()

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _file(self, room: str, suffix: str) -> Path:
        return self._folder / f"{quote(room, safe='')}{suffix}"


class Diary:
    """The record of one call, held and kept up by the process that has the call."""

    def __init__(self, records: CallRecords, record: CallRecord, lock: Lock) -> None:
        self.record = record
        self._records = records
        self._lock = lock
        self._is_closed = False

    @classmethod
    async def open(
        cls, records: CallRecords, room: str, *, agent: str, is_resumed: bool, conversation: str = ""
    ) -> Self | None:
        """Take the call in `room` on; `None` if another process has it.

        The record goes on where the last process left it if the call `is_resumed`; else it is one of `conversation`.
        """
        lock = records.lock(room)
        for _ in range(TAKE_TRIES):
            if lock.take():
                break
            await asyncio.sleep(TAKE_EVERY_S)
        else:
            return None
        before = records.read(room) if is_resumed else None
        record = before or CallRecord(room, conversation=conversation)
        diary = cls(records, replace(record, agent=agent, process=os.getpid()), lock)
        diary.note(diary.record.messages)
        return diary

    def note(self, messages: Sequence[Message]) -> None:
        """The call's newest messages. A full disk is no reason to end a call."""
        if self._is_closed:
            return
        self.record = replace(self.record, messages=tuple(messages))
        try:
            self._records.write(self.record)
        except OSError as error:
            logger.warning("this call could not go on elsewhere: its record is not written: %s", error.strerror)

    def close(self) -> None:
        """The call is over. Closing again does nothing: the room may have another call by then."""
        if self._is_closed:
            return
        self._is_closed = True
        self._records.remove(self.record.room)
        self._lock.give_back()
