"""How often one subject may ask, and how many of its requests may run."""

from dataclasses import dataclass

import pytest

from web.errors import TooManyRequests
from web.limits import LocalRate, LocalSlots


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_minutes_share_may_be_used_at_once_and_no_more() -> None:
    rate = LocalRate(per_minute=3, clock=Clock())
    for _ in range(3):
        await rate.admit("a")
    with pytest.raises(TooManyRequests) as refusal:
        await rate.admit("a")
    assert refusal.value.retry_after_s == pytest.approx(20.0)


async def test_waiting_as_told_is_enough() -> None:
    clock = Clock()
    rate = LocalRate(per_minute=3, clock=clock)
    for _ in range(3):
        await rate.admit("a")
    clock.now = 20.0
    await rate.admit("a")
    with pytest.raises(TooManyRequests):
        await rate.admit("a")


async def test_refusals_do_not_lengthen_the_wait() -> None:
    clock = Clock()
    rate = LocalRate(per_minute=1, clock=clock)
    await rate.admit("a")
    for clock.now in (10.0, 20.0, 30.0):
        with pytest.raises(TooManyRequests):
            await rate.admit("a")
    clock.now = 60.0
    await rate.admit("a")


async def test_subjects_do_not_share() -> None:
    rate = LocalRate(per_minute=1, clock=Clock())
    await rate.admit("a")
    await rate.admit("b")


async def test_memory_stays_bounded() -> None:
    rate = LocalRate(per_minute=1, max_subjects=2, clock=Clock())
    for subject in ("a", "b", "c"):
        await rate.admit(subject)
    await rate.admit("a")
    with pytest.raises(TooManyRequests):
        await rate.admit("c")


async def test_so_many_run_at_a_time_and_each_that_ends_makes_room() -> None:
    slots = LocalSlots(at_once=1)
    async with slots.hold("a"):
        async with slots.hold("b"):
            pass
        with pytest.raises(TooManyRequests) as refusal:
            async with slots.hold("a"):
                pass
    assert refusal.value.retry_after_s
    async with slots.hold("a"):
        pass


async def test_a_request_that_fails_makes_room_too() -> None:
    slots = LocalSlots(at_once=1)
    with pytest.raises(KeyError):
        async with slots.hold("a"):
            raise KeyError
    async with slots.hold("a"):
        pass
