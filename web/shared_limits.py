"""The same limits kept in Redis, so that several web processes share them; while Redis is away each counts alone."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .errors import TooManyRequests
from .limits import RETRY_SLOT_S, TOO_MANY, TOO_OFTEN, LocalRate, LocalSlots

logger = logging.getLogger(__name__)

ANSWER_S = 0.5
"""Redis is away when it takes longer than this."""
AWAY_S = 5.0
"""How long it is then left alone."""
PREFIX = "landline"
AWAY_ERRORS = (RedisError, OSError, TimeoutError)

TAKE_SLOT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2]) * 1000))
return 1
"""
"""Atomic: drop what outlived its lease, refuse if full, else note who holds a slot until when."""


class SharedMemory:
    """A Redis that may be away. Says so once each time it goes, and is asked again after AWAY_S."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        options: dict[str, Any] = {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S}
        self.client = Redis.from_url(url, **options)
        pool: Any = self.client.connection_pool
        storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=PREFIX, connection_pool=pool)
        self.window = MovingWindowRateLimiter(storage)
        self.take_slot = self.client.register_script(TAKE_SLOT)
        self._clock = clock
        self._ask_again_at = 0.0
        self._is_away = False

    @property
    def may_be_asked(self) -> bool:
        """False for a while after it did not answer."""
        return self._clock() >= self._ask_again_at

    def answered(self) -> None:
        """It is there."""
        if self._is_away:
            logger.info("Redis is back: limits are shared again")
        self._is_away = False

    def went_away(self, error: BaseException) -> None:
        """It did not answer: nobody is refused for that, this process counts alone."""
        if not self._is_away:
            logger.warning("Redis is away: each web process counts alone", extra={"error": type(error).__name__})
        self._is_away = True
        self._ask_again_at = self._clock() + AWAY_S

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


class SharedRate:
    """Admits `per_minute` requests a minute from one subject over all processes: any minute, not each full one."""

    def __init__(self, memory: SharedMemory, *, name: str, per_minute: int) -> None:
        self._memory = memory
        self._name = name
        self._limit = RateLimitItemPerMinute(per_minute)
        self._alone = LocalRate(per_minute=per_minute)

    async def admit(self, subject: str) -> None:
        """Count one request. Raises `TooManyRequests`."""
        wait_s: float | None = None
        if not self._memory.may_be_asked:
            return await self._alone.admit(subject)
        try:
            if not await self._memory.window.hit(self._limit, self._name, subject):
                wait_s = await self._wait_s(subject)
        except AWAY_ERRORS as error:
            self._memory.went_away(error)
            return await self._alone.admit(subject)
        self._memory.answered()
        if wait_s is not None:
            raise TooManyRequests(TOO_OFTEN, retry_after_s=wait_s)

    async def _wait_s(self, subject: str) -> float:
        stats = await self._memory.window.get_window_stats(self._limit, self._name, subject)
        return max(0.0, stats.reset_time - time.time())


class SharedSlots:
    """At most `at_once` running requests of one subject over all processes.

    A slot whose process died without giving it back is free after `lease_s`, longer than any request runs.
    """

    def __init__(self, memory: SharedMemory, *, name: str, at_once: int, lease_s: float) -> None:
        self._memory = memory
        self._name = name
        self._at_once = at_once
        self._lease_s = lease_s
        self._alone = LocalSlots(at_once=at_once)

    @asynccontextmanager
    async def hold(self, subject: str) -> AsyncGenerator[None]:
        """One request runs while this is held. Raises `TooManyRequests`."""
        async with AsyncExitStack() as held:
            key, holder = f"{PREFIX}:slots:{self._name}:{subject}", secrets.token_hex(8)
            taken = await self._take(key, holder)
            if taken is None:
                await held.enter_async_context(self._alone.hold(subject))
            elif taken:
                held.push_async_callback(self._give_back, key, holder)
            else:
                raise TooManyRequests(TOO_MANY, retry_after_s=RETRY_SLOT_S)
            yield

    async def _take(self, key: str, holder: str) -> bool | None:
        """Whether there was a slot; None while Redis is away."""
        if not self._memory.may_be_asked:
            return None
        try:
            taken = bool(await self._memory.take_slot(keys=[key], args=[self._at_once, self._lease_s, holder]))
        except AWAY_ERRORS as error:
            self._memory.went_away(error)
            return None
        except asyncio.CancelledError:
            await self._give_back(key, holder)  # it may have been taken
            raise
        self._memory.answered()
        return taken

    async def _give_back(self, key: str, holder: str) -> None:
        with suppress(*AWAY_ERRORS):
            await self._memory.client.zrem(key, holder)
