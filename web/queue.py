"""Callers who wait for a line: first come, first served. Kept in this process's memory."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import LinesBusy

PATIENCE_S = 10.0
"""A caller who does not ask for this long has gone."""


@dataclass
class Waiting:
    """A caller, known by their address, and when they last asked."""

    caller: str
    asked: float


class Queue:
    """Places in line, from 1; at most `capacity` of them. Each is known by a number that cannot be guessed."""

    def __init__(self, *, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        self._forget_the_gone()
        return len(self._waiting)

    def join(self, caller: str = "") -> str:
        """A place at the end of the line. Raises `LinesBusy` where as many wait as may."""
        if len(self) >= self._capacity:
            raise LinesBusy("All lines are busy.", retry_after_s=PATIENCE_S)
        number = secrets.token_urlsafe(12)
        self._waiting[number] = Waiting(caller, self._clock())
        return number

    def place(self, number: str) -> int | None:
        """Where in line this caller is, who is taken to be still there; None for one who is not in line."""
        self._forget_the_gone()
        if number not in self._waiting:
            return None
        self._waiting[number].asked = self._clock()
        return list(self._waiting).index(number) + 1

    def places_of(self, caller: str) -> int:
        """How many callers of this address are in line."""
        self._forget_the_gone()
        return sum(one.caller == caller for one in self._waiting.values())

    def caller(self, number: str) -> str:
        """The address of one who is in line."""
        return self._waiting[number].caller

    def leave(self, number: str) -> None:
        """This caller waits no longer: connected, or gone."""
        self._waiting.pop(number, None)

    def _forget_the_gone(self) -> None:
        oldest = self._clock() - PATIENCE_S
        self._waiting = {number: one for number, one in self._waiting.items() if one.asked > oldest}
