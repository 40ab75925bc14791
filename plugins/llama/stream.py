"""An answer on its way from the model's thread to an event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Self

from plugins.errors import EngineError
from plugins.llama.generation import Delta, Usage

RING_EVERY_S = 0.01
"""Readers of an answer that flows are woken no more often: waking somebody costs more than a small model's step."""


class Stream:
    """The deltas of one answer; iterate once, on the event loop where it was made.

    Deltas that arrive while the reader is busy come as one. Raises the `EngineError` that ended the answer early.
    `cancel` (also: `aclose`) stops the work; whoever leaves the iteration early must call it.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.cancelled = False
        self._arrived = deque[Delta | EngineError]()
        self._ready = asyncio.Event()
        self._over = False
        self.begun = False
        """Whether anything was put into it."""

    def cancel(self) -> None:
        """Nobody wants the rest: the model drops this answer before its next step. From any thread."""
        self.cancelled = True
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            self.loop.call_soon_threadsafe(self.wake)

    async def aclose(self) -> None:
        """`cancel`, for `contextlib.aclosing`."""
        self.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delta:
        while not self._arrived:
            if self._over or self.cancelled:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        delta = self._arrived.popleft()
        if isinstance(delta, EngineError):
            self._over = True
            raise delta
        while self._arrived and isinstance(later := self._arrived[0], Delta):
            delta = delta.then(later)
            self._arrived.popleft()
        self._over = delta.finish_reason is not None
        return delta

    def put(self, item: Delta | EngineError) -> bool:
        """Called by the model's thread, which then rings the stream's `loop` (see `Bell`).

        Returns whether the reader must know at once: of the first words, of the end and of errors.
        """
        self._arrived.append(item)
        is_first, self.begun = not self.begun, True
        return is_first or isinstance(item, EngineError) or item.finish_reason is not None

    def fail(self, error: EngineError) -> None:
        """End the answer with an error. From any thread."""
        bell = Bell()
        bell.send(self, error)
        bell.ring()

    def wake(self) -> None:
        """Something arrived. Called on the event loop."""
        self._ready.set()


class Bell:
    """Wakes readers on their event loops: at once if one must know something, else every `RING_EVERY_S` at most."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.AbstractEventLoop, set[Stream]] = {}
        self._owed: dict[Stream, Callable[[], Delta | None]] = {}
        self._is_urgent = False
        self._rang_s = -inf

    def send(self, stream: Stream, item: Delta | EngineError) -> None:
        """Give a reader something, after what it is owed; it notices when the bell rings next."""
        if (said := self._owed.pop(stream, None)) and (delta := said()):
            stream.put(delta)
        if stream.put(item):
            self._is_urgent = True
        self._waiting.setdefault(stream.loop, set()).add(stream)

    def owe(self, stream: Stream, said: Callable[[], Delta | None]) -> None:
        """There is something for a reader, which `said` puts into words when the bell rings next."""
        self._owed[stream] = said
        if not stream.begun:
            self._is_urgent = True

    def tick(self, now_s: float) -> None:
        """A step is over: ring if it is time to, by `now_s` on any clock that goes forward."""
        if (self._waiting or self._owed) and (self._is_urgent or now_s - self._rang_s >= RING_EVERY_S):
            self._rang_s = now_s
            self.ring()

    def ring(self) -> None:
        """Wake everybody who was sent something or is owed it."""
        owed, self._owed = self._owed, {}
        for stream, said in owed.items():
            if delta := said():
                self.send(stream, delta)
        for loop, streams in self._waiting.items():
            with suppress(RuntimeError):  # the loop was closed: nobody reads there any more
                loop.call_soon_threadsafe(_wake_all, streams)
        self._waiting, self._is_urgent = {}, False


def _wake_all(streams: set[Stream]) -> None:
    for stream in streams:
        stream.wake()


async def collect(stream: Stream, *, each: Callable[[Delta], None] | None = None) -> Delta:
    """A whole answer as one delta; cancels it if the caller is cancelled."""
    whole = Delta(usage=Usage(0, 0, 0))
    try:
        async for delta in stream:
            whole = whole.then(delta)
            if each:
                each(delta)
    finally:
        stream.cancel()
    return whole
