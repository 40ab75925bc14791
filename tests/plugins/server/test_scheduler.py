"""The scheduler: best first, batches, nothing stale, every failure delivered."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from plugins.errors import EngineBusy
from plugins.server.scheduler import Priority, Scheduler


class Gate:
    """A `run` that records its batches and waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, batch: Sequence[str]) -> list[str]:
        self.batches.append(list(batch))
        self.entered.set()
        self.open.wait()
        return [text.upper() for text in batch]


async def queued(
    scheduler: Scheduler[str, str], gate: Gate, *requests: tuple[str, Priority]
) -> list[asyncio.Task[str]]:
    """One request running, the others waiting behind it."""
    first = asyncio.create_task(scheduler.submit("first", priority=Priority.FINAL))
    await asyncio.to_thread(gate.entered.wait)
    rest = [asyncio.create_task(scheduler.submit(text, priority=priority)) for text, priority in requests]
    await asyncio.sleep(0)
    return [first, *rest]


async def test_urgent_requests_overtake_speculative_ones() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test")
    tasks = await queued(scheduler, gate, ("guess", Priority.SPECULATIVE), ("final", Priority.FINAL))
    gate.open.set()
    assert await asyncio.gather(*tasks) == ["FIRST", "GUESS", "FINAL"]
    assert gate.batches == [["first"], ["final"], ["guess"]]
    await scheduler.aclose()


async def test_waiting_requests_share_a_batch() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test", max_batch=4)
    tasks = await queued(scheduler, gate, ("a", Priority.FINAL), ("b", Priority.FINAL))
    gate.open.set()
    await asyncio.gather(*tasks)
    assert gate.batches == [["first"], ["a", "b"]]
    await scheduler.aclose()


async def test_a_final_shares_no_batch_with_guesses_that_waited_longer() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test", max_batch=4, max_speculative=4)
    guesses = [(name, Priority.SPECULATIVE) for name in ("guess", "another")]
    tasks = await queued(scheduler, gate, *guesses, ("final", Priority.FINAL))
    gate.open.set()
    await asyncio.gather(*tasks)
    assert gate.batches == [["first"], ["final"], ["guess", "another"]]
    await scheduler.aclose()


async def test_guesses_share_smaller_batches_because_nothing_can_interrupt_them() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test", max_batch=4, max_speculative=2)
    tasks = await queued(scheduler, gate, *[(name, Priority.SPECULATIVE) for name in "abc"])
    gate.open.set()
    await asyncio.gather(*tasks)
    assert gate.batches == [["first"], ["a", "b"], ["c"]]
    await scheduler.aclose()


async def test_a_cancelled_request_never_reaches_the_model() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test")
    first, stale, wanted = await queued(scheduler, gate, ("stale", Priority.FINAL), ("wanted", Priority.FINAL))
    stale.cancel()
    await asyncio.wait([stale])
    assert scheduler.waiting == 1
    gate.open.set()
    await asyncio.gather(first, wanted)
    assert gate.batches == [["first"], ["wanted"]]
    await scheduler.aclose()


async def test_the_earlier_deadline_goes_first() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test")
    (first,) = await queued(scheduler, gate)
    late = asyncio.create_task(scheduler.submit("late", priority=Priority.AUDIBLE, deadline_s=20.0))
    early = asyncio.create_task(scheduler.submit("early", priority=Priority.AUDIBLE, deadline_s=10.0))
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(first, late, early)
    assert gate.batches[1:] == [["early"], ["late"]]
    await scheduler.aclose()


async def test_a_failure_reaches_its_caller_and_the_next_request_works() -> None:
    def run(batch: Sequence[Callable[[], int]]) -> list[int]:
        return [step() for step in batch]

    scheduler = Scheduler(run, name="test")
    with pytest.raises(ZeroDivisionError):
        await scheduler.submit(lambda: 1 // 0, priority=Priority.FINAL)
    assert await scheduler.submit(lambda: 7, priority=Priority.FINAL) == 7
    await scheduler.aclose()


async def test_a_full_queue_is_refused() -> None:
    gate = Gate()
    scheduler = Scheduler(gate, name="test", max_waiting=1)
    tasks = await queued(scheduler, gate, ("waiting", Priority.FINAL))
    with pytest.raises(EngineBusy):
        await scheduler.submit("too many", priority=Priority.AUDIBLE)
    gate.open.set()
    await asyncio.gather(*tasks)
    await scheduler.aclose()
