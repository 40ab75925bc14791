"""Callers who wait for a line: first come, first served. Kept in this process's memory."""

import secrets
import time
from collections.abc import Callable

from .errors import LinesBusy

PATIENCE_S = 10.0
"""A caller who does not ask for this long has gone."""


class Queue:
    """Places in line, from 1; at most `capacity` of them. Each is known by a number that cannot be guessed."""

    def __init__(self, *, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._asked: dict[str, float] = {}

    def __len__(self) -> int:
        self._forget_the_gone()
        return len(self._asked)

    def join(self) -> str:
        """A place at the end of the line. Raises `LinesBusy` where as many wait as may."""
        if len(self) >= self._capacity:
            raise LinesBusy("All lines are busy.", retry_after_s=PATIENCE_S)
        number = secrets.token_urlsafe(12)
        self._asked[number] = self._clock()
        return number

    def place(self, number: str) -> int | None:
        """Where in line this caller is, who is taken to be still there; None for one who is not in line."""
        self._forget_the_gone()
        if number not in self._asked:
            return None
        self._asked[number] = self._clock()
        return list(self._asked).index(number) + 1

    def leave(self, number: str) -> None:
        """This caller waits no longer: connected, or gone."""
        self._asked.pop(number, None)

    def _forget_the_gone(self) -> None:
        oldest = self._clock() - PATIENCE_S
        self._asked = {number: asked for number, asked in self._asked.items() if asked > oldest}
