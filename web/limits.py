"""How often a key or an address may ask, and how many requests it may have running: kept in this process's memory."""

import time
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from .errors import TooManyRequests

WINDOW_S = 60.0
RETRY_SLOT_S = 2.0
TOO_OFTEN = "Too many requests. Please wait a moment."
TOO_MANY = "Too many requests at a time. Please wait until one of yours has ended."


class Rate(Protocol):
    """Counts requests by whoever makes them."""

    async def admit(self, subject: str) -> None:
        """Count one request. Raises `TooManyRequests` with the seconds to wait when the allowance is spent."""
        ...


class Slots(Protocol):
    """Counts requests that run."""

    def hold(self, subject: str) -> AbstractAsyncContextManager[None]:
        """One request runs while this is held. Raises `TooManyRequests` if as many run as may."""
        ...


class LocalRate:
    """Admits `per_minute` requests a minute from one subject, all at once or spread.

    Keeps one number per subject (when its allowance is whole again) for at most `max_subjects` subjects; beyond
    that the one longest unseen is forgotten.
    """

    def __init__(
        self, *, per_minute: int, max_subjects: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cost_s = WINDOW_S / per_minute
        self._max_subjects = max_subjects
        self._clock = clock
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    async def admit(self, subject: str) -> None:
        """Count one request. Raises `TooManyRequests`; refused requests don't count."""
        now = self._clock()
        whole_at = max(now, self._whole_at.get(subject, now)) + self._cost_s
        wait_s = whole_at - now - WINDOW_S
        if wait_s > 1e-6:
            raise TooManyRequests(TOO_OFTEN, retry_after_s=wait_s)
        self._whole_at[subject] = whole_at
        self._whole_at.move_to_end(subject)
        if len(self._whole_at) > self._max_subjects:
            self._whole_at.popitem(last=False)


class LocalSlots:
    """At most `at_once` running requests of one subject."""

    def __init__(self, *, at_once: int) -> None:
        self._at_once = at_once
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def hold(self, subject: str) -> AsyncGenerator[None]:
        """One request runs while this is held. Raises `TooManyRequests`."""
        if self._running[subject] >= self._at_once:
            raise TooManyRequests(TOO_MANY, retry_after_s=RETRY_SLOT_S)
        self._running[subject] += 1
        try:
            yield
        finally:
            self._running[subject] -= 1
            if not self._running[subject]:
                del self._running[subject]
