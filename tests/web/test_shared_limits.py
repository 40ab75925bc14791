"""Limits that several web processes share through a real Redis, and what happens when that goes away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from web.config import WebConfig
from web.errors import TooManyRequests
from web.shared_limits import AWAY_S, SharedMemory, SharedRate, SharedSlots

from .guarded import FakeKeys, Slow, bearing, guarded, key
from .redis_server import RedisServer, running_redis


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path, unused_port()) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def processes(redis: RedisServer, clock: Clock) -> AsyncIterator[tuple[SharedMemory, SharedMemory]]:
    """Two processes' connections to one Redis."""
    first, second = SharedMemory(redis.url, clock=clock), SharedMemory(redis.url, clock=clock)
    yield first, second
    await first.close()
    await second.close()


async def test_two_processes_count_one_keys_requests_together(processes: tuple[SharedMemory, SharedMemory]) -> None:
    first, second = (SharedRate(process, name="key", per_minute=2) for process in processes)
    await first.admit("shop")
    await second.admit("shop")
    with pytest.raises(TooManyRequests) as refusal:
        await first.admit("shop")
    assert 0 < (refusal.value.retry_after_s or 0) <= 60
    await second.admit("clinic")


async def test_keys_and_addresses_are_counted_apart(processes: tuple[SharedMemory, SharedMemory]) -> None:
    by_key, by_address = (SharedRate(processes[0], name=name, per_minute=1) for name in ("key", "address"))
    await by_key.admit("same")
    await by_address.admit("same")


@pytest.mark.parametrize("lease_s", [60, 740.0517578125])
async def test_two_processes_share_what_may_run_at_a_time(
    processes: tuple[SharedMemory, SharedMemory], lease_s: float
) -> None:
    first, second = (SharedSlots(process, name="key", at_once=1, lease_s=lease_s) for process in processes)
    async with first.hold("shop"):
        with pytest.raises(TooManyRequests):
            async with second.hold("shop"):
                pass
        async with second.hold("clinic"):
            pass
    async with second.hold("shop"):
        assert all(process.may_be_asked for process in processes)


async def test_a_slot_of_a_process_that_died_comes_back(processes: tuple[SharedMemory, SharedMemory]) -> None:
    dead, alive = (SharedSlots(process, name="key", at_once=1, lease_s=0.05) for process in processes)
    async with dead.hold("shop"):
        for _ in range(100):
            await asyncio.sleep(0.05)
            try:
                async with alive.hold("shop"):
                    return
            except TooManyRequests:
                continue
    pytest.fail("the slot never came back")


async def test_without_redis_each_process_counts_alone_and_says_so_once(
    redis: RedisServer,
    processes: tuple[SharedMemory, SharedMemory],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "web.shared_limits")
    rate, slots = (
        SharedRate(processes[0], name="key", per_minute=2),
        SharedSlots(processes[0], name="key", at_once=1, lease_s=60),
    )
    await rate.admit("shop")
    redis.stop()
    await rate.admit("shop")
    await rate.admit("shop")
    with pytest.raises(TooManyRequests):
        await rate.admit("shop")
    async with slots.hold("shop"):
        with pytest.raises(TooManyRequests):
            async with slots.hold("shop"):
                pass
    clock.now += AWAY_S
    with pytest.raises(TooManyRequests):
        await rate.admit("shop")
    assert [record.message for record in caplog.records] == ["Redis is away: each web process counts alone"]


async def test_redis_is_used_again_when_it_is_back(
    redis: RedisServer,
    processes: tuple[SharedMemory, SharedMemory],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "web.shared_limits")
    first, second = (SharedRate(process, name="key", per_minute=1) for process in processes)
    redis.stop()
    await first.admit("shop")
    redis.start()
    clock.now += AWAY_S
    await first.admit("shop")
    with pytest.raises(TooManyRequests):
        await second.admit("shop")
    assert caplog.records[-1].message == "Redis is back: limits are shared again"


async def test_a_slot_taken_before_redis_went_away_is_given_back_quietly(
    redis: RedisServer, processes: tuple[SharedMemory, SharedMemory]
) -> None:
    async with SharedSlots(processes[0], name="key", at_once=1, lease_s=60).hold("shop"):
        redis.stop()


async def test_two_doors_share_their_limits(config: WebConfig, redis: RedisServer) -> None:
    slow = Slow()
    rules = {"keys": FakeKeys(key()), "redis_url": redis.url, "key_per_minute": 4, "key_at_once": 1}
    async with AsyncExitStack() as doors:
        first = await doors.enter_async_context(guarded(config, slow=slow, **rules))
        second = await doors.enter_async_context(guarded(config, **rules))
        running = asyncio.create_task(first.get("/v1/models/slow", headers=bearing("ll_shop")))
        while not slow.running:
            await asyncio.sleep(0.01)
        assert (await second.get("/v1/models", headers=bearing("ll_shop"))).status == 429
        slow.end.set()
        assert (await running).status == 200
        answers = [await second.get("/v1/models", headers=bearing("ll_shop")) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0


async def test_a_door_whose_redis_is_away_goes_on_serving(config: WebConfig, redis: RedisServer) -> None:
    async with guarded(config, keys=FakeKeys(key()), redis_url=redis.url, key_per_minute=3) as door:
        assert (await door.get("/v1/models", headers=bearing("ll_shop"))).status == 200
        redis.stop()
        statuses = [(await door.get("/v1/models", headers=bearing("ll_shop"))).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert (await door.post("/api/session", json={})).status == 200
