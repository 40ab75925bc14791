"""Who gets a model next. One scheduler and one thread for each model; a newer need never waits for a stale one."""

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Generic, TypeVar

from plugins.errors import EngineBusy
from plugins.server.capacity import Work
from plugins.server.metrics import BATCH

Request = TypeVar("Request")
Result = TypeVar("Result")


class Priority(IntEnum):
    """How much a delay is heard; smaller goes first."""

    AUDIBLE = 0
    """A call is about to run out of audio."""
    FINAL = 1
    """A caller has finished speaking and waits."""
    FIRST_ANSWER = 2
    """The beginning of an answer."""
    SPECULATIVE = 3
    """Work that may be thrown away."""


@dataclass(order=True)
class _Waiting(Generic[Request, Result]):
    priority: Priority
    deadline_s: float
    order: int
    request: Request = field(compare=False)
    done: "asyncio.Future[Result]" = field(compare=False)


class Scheduler(Generic[Request, Result]):
    """Runs `run(batch)` on its own thread, best requests first: by priority, then deadline, then arrival.

    `run` gets 1…`max_batch` requests of one priority and returns as many results, in order; what it raises reaches
    every waiting caller of that batch, an exception among its results only its own. Of speculative ones it gets
    `max_speculative` at most, because whatever is more urgent must wait until they are done. A cancelled `submit`
    leaves the queue at once, unseen by the model.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Request]], Sequence[Result]],
        *,
        name: str,
        max_batch: int = 1,
        max_speculative: int = 1,
        max_waiting: int = 512,
    ) -> None:
        self._run = run
        self._name = name
        self._max_batch = max_batch
        self._max_speculative = max_speculative
        self._max_waiting = max_waiting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._queue: list[_Waiting[Request, Result]] = []
        self._order = itertools.count()
        self._pump: asyncio.Task[None] | None = None
        self.work = Work()
        """What was done so far."""

    @property
    def waiting(self) -> int:
        """Requests in the queue, cancelled ones not counted."""
        return sum(not item.done.done() for item in self._queue)

    async def submit(self, request: Request, *, priority: Priority, deadline_s: float = math.inf) -> Result:
        """Wait for this request's result. `deadline_s` is on the event loop's clock. Raises `EngineBusy` when full."""
        if self.waiting >= self._max_waiting:
            raise EngineBusy(f"{self._name} has {self._max_waiting} requests waiting")
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, _Waiting(priority, deadline_s, next(self._order), request, done))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._work(), name=f"{self._name} scheduler")
        return await done

    async def aclose(self) -> None:
        """Stop after the running batch; whoever still waits is cancelled."""
        for item in self._queue:
            item.done.cancel()
        self._queue.clear()
        if self._pump:
            await asyncio.wait([self._pump])
        self._thread.shutdown(wait=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next_batch():
            BATCH.labels(model=self._name).observe(len(batch))
            begin_s = loop.time()
            running = loop.run_in_executor(self._thread, self._run, [item.request for item in batch])
            await asyncio.wait([running])
            self.work = self.work.after(loop.time() - begin_s, is_urgent=batch[0].priority < Priority.SPECULATIVE)
            _deliver(batch, running)

    def _next_batch(self) -> list[_Waiting[Request, Result]]:
        """Requests of one priority: what somebody waits for is not held up by what may be thrown away."""
        batch: list[_Waiting[Request, Result]] = []
        while self._queue and self._fits(batch, self._queue[0]):
            item = heapq.heappop(self._queue)
            if not item.done.done():
                batch.append(item)
        return batch

    def _fits(self, batch: Sequence[_Waiting[Request, Result]], item: _Waiting[Request, Result]) -> bool:
        if batch and batch[0].priority is not item.priority:
            return False
        return len(batch) < (self._max_speculative if item.priority is Priority.SPECULATIVE else self._max_batch)


def _deliver(batch: Sequence[_Waiting[Request, Result]], running: "asyncio.Future[Sequence[Result]]") -> None:
    error = running.exception()
    results: Sequence[Result | None] = [None] * len(batch) if error else running.result()
    for item, result in zip(batch, results, strict=True):
        if item.done.done():
            continue
        if failure := error or (result if isinstance(result, Exception) else None):
            item.done.set_exception(failure)
        else:
            item.done.set_result(result)  # type: ignore[arg-type]  # paired by position: never the None of a failure


def run_each(steps: Sequence[Callable[[], Result]]) -> list[Result]:
    """A `run` for schedulers whose requests are plain functions."""
    return [step() for step in steps]


def outcome(step: Callable[[], Result]) -> Result | Exception:
    """What a step gives, or what it raises: as a result of `run`, only its own caller learns of that."""
    try:
        return step()
    except Exception as error:
        return error


def apart_on_failure(run: Callable[[Sequence[Request]], Sequence[Any]]) -> Callable[[Sequence[Request]], Sequence[Any]]:
    """The same `run`, but the requests of a batch that fails are run one by one: only those at fault learn of it."""

    def together(batch: Sequence[Request]) -> Sequence[Any]:
        if not batch:
            return ()
        try:
            return run(batch)
        except Exception as error:
            return [error] if len(batch) == 1 else [outcome(lambda one=one: run([one])[0]) for one in batch]

    return together
