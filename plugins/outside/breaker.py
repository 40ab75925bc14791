"""When to stop asking a server that does not answer."""

import time
from collections.abc import Callable

FAILURES = 3
"""In a row."""
PAUSE_S = 15.0


class Breaker:
    """After `failures` in a row nobody asks for `pause_s`; then one request tries, and decides for all others."""

    def __init__(
        self, *, failures: int = FAILURES, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._pause_s = pause_s
        self._clock = clock
        self._failures = 0
        self._asked_again_at_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether so many requests have failed that most are not made."""
        return self._failures >= self._limit

    def admits(self) -> bool:
        """Whether to make a request now; one that is let in as a trial keeps the others out until it is over."""
        if not self.is_open:
            return True
        now_s = self._clock()
        if now_s < self._asked_again_at_s:
            return False
        self._asked_again_at_s = now_s + self._pause_s
        return True

    def succeeded(self) -> None:
        """The server answered."""
        self._failures = 0

    def failed(self) -> None:
        """The server did not answer, or badly."""
        self._failures += 1
        self._asked_again_at_s = self._clock() + self._pause_s
