"""The lines of this machine, shared by its workers and its calls through files: who has one, and who waits for one.

A line is taken by a call on record, or held for one that was let in and is on its way to a process. Whoever waits has
a record of the same kind, in a folder of its own: first come, first served, whichever worker they came to.
"""

import fcntl
import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from agent.call_record import CALLS_FOLDER, NOBODY, PRIVATE, WAITING_FOLDER, CallRecord, CallRecords
from agent.settings import WorkerSettings

ALMOST_FULL = 0.69
"""LiveKit sends no call to a worker that reports its `target_load` (0.7 unless configured) or more."""
LAUNCH_S = 15.0
"""An accepted call that has no process after this long is not coming."""

Admission = Literal["line", "place", "none"]


def in_order(waiting: Iterable[CallRecord]) -> list[str]:
    """The rooms of those who wait, who came first in front."""
    return [record.room for record in sorted(waiting, key=lambda record: (record.waiting_since_s, record.room))]


class Lines:
    """At most `max_calls` lines, and places for at most `max_waiting` callers who wait in a room."""

    def __init__(
        self,
        calls: CallRecords,
        waiting: CallRecords,
        *,
        max_calls: int,
        max_waiting: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.calls = calls
        self.waiting = waiting
        self._max_calls = max_calls
        self._max_waiting = max_waiting
        self._clock = clock

    def taken(self) -> int:
        """Lines in use."""
        return len(self.calls.rooms() | self.calls.expected(since_s=self._clock() - LAUNCH_S))

    def queue(self) -> list[str]:
        """The rooms of those who wait, who is next in front."""
        return in_order(filter(None, map(self.waiting.read, self.waiting.rooms())))

    def waits(self, room: str) -> bool:
        """Whether the caller in `room` has a place in line instead of a line."""
        return room in self.waiting.rooms() and room not in self.calls.rooms()

    def admit(self, room: str, *, fitting: int, has_ticket: bool = False, conversation: str = "") -> Admission:
        """Hold a line for `room`, or else a place in line; `none` where as many wait as may.

        The machine carries `fitting` calls. Who `has_ticket` was promised a line by the door, and is not kept from it
        by those who wait.
        """
        with self._alone():
            is_next = has_ticket or not self.waiting.rooms()
            if is_next and self._take(room, fitting=self._max_calls if has_ticket else fitting):
                return "line"
            if len(self.waiting.rooms()) >= self._max_waiting:
                return "none"
            self.waiting.write(CallRecord(room, conversation=conversation, waiting_since_s=self._clock()))
            return "place"

    def has_free(self) -> bool:
        """Whether there is a line that no call has."""
        return self.taken() < self._max_calls

    def advance(self, room: str, *, fitting: int) -> bool:
        """Hold a line for `room` if it is next and the machine carries one more call."""
        with self._alone():
            return self.queue()[:1] == [room] and self._take(room, fitting=fitting)

    def let_go(self, rooms: Iterable[str]) -> None:
        """Have the processes of those who wait in `rooms` leave them to those of another worker."""
        for record in filter(None, map(self.waiting.read, self.waiting.rooms() & set(rooms))):
            if record.process != NOBODY:
                self.waiting.write(replace(record, process=NOBODY, resumed_at_s=()))

    def _take(self, room: str, *, fitting: int) -> bool:
        if self.taken() >= min(fitting, self._max_calls):
            return False
        self.calls.expect(room, now_s=self._clock())
        return True

    def load(self, *, fitting: int) -> float:
        """What LiveKit is told where `fitting` calls fit: the share of lines in use, always below its limit.

        It prefers workers that say less, so that a caller waits here only where no other machine has a line. A full
        machine passes calls on by itself; LiveKit must still be able to send it one that broke.
        """
        lines = max(1, min(fitting, self._max_calls))
        return ALMOST_FULL * (1.0 if self.waiting.rooms() else min(1.0, self.taken() / lines))

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Nobody else on the machine gives lines away meanwhile."""
        path = self.calls.folder.with_suffix(".admission")
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


def lines_of(settings: WorkerSettings) -> Lines:
    """The machine's lines as the settings give them."""
    calls, waiting = CallRecords(CALLS_FOLDER), CallRecords(WAITING_FOLDER)
    return Lines(calls, waiting, max_calls=settings.max_calls, max_waiting=settings.max_waiting)
