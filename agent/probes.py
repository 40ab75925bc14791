"""Is a neighbouring process there? Questions that never raise."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp

from agent.settings import Settings
from plugins.client import EngineClient
from plugins.errors import EngineError

Probe = Callable[[], Coroutine[Any, Any, bool]]

TIMEOUT_S = 2.0
LIFELESS_S = 4.0
"""Whatever runs answers within this time, however busy its machine is."""


def answers(url: str) -> Probe:
    """Whether a GET of `url` gives 200."""

    async def probe() -> bool:
        return await _status(url, within_s=TIMEOUT_S) == 200

    return probe


def is_there(url: str) -> Probe:
    """Whether a GET of `url` is answered at all."""

    async def probe() -> bool:
        return await _status(url, within_s=LIFELESS_S) is not None

    return probe


async def _status(url: str, *, within_s: float) -> int | None:
    timeout = aiohttp.ClientTimeout(total=within_s)
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            return response.status
    return None


def worker_is_registered(settings: Settings) -> Probe:
    """Whether a worker on this machine takes calls."""
    probes = [answers(f"http://127.0.0.1:{port}/health") for port in settings.worker.health_ports]

    async def probe() -> bool:
        return any(await asyncio.gather(*(each() for each in probes)))

    return probe


def engine_is_ready(settings: Settings) -> Probe:
    """Whether every model is loaded. One that was, and then is not, has ended."""

    async def probe() -> bool:
        with suppress(EngineError, TimeoutError):
            async with asyncio.timeout(LIFELESS_S), EngineClient(settings.engine.url) as engine:
                return (await engine.health())["status"] == "ready"
        return False

    return probe
