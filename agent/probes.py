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


def answers(url: str) -> Probe:
    """Whether a GET of `url` gives 200."""

    async def probe() -> bool:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
                return response.status == 200
        return False

    return probe


def worker_is_registered(settings: Settings) -> Probe:
    """Whether a worker on this machine takes calls."""
    probes = [answers(f"http://127.0.0.1:{port}/health") for port in settings.worker.health_ports]

    async def probe() -> bool:
        return any(await asyncio.gather(*(each() for each in probes)))

    return probe


def engine_is_ready(settings: Settings) -> Probe:
    """Whether every model is loaded."""

    async def probe() -> bool:
        with suppress(EngineError):
            async with EngineClient(settings.engine.url) as engine:
                return (await engine.health())["status"] == "ready"
        return False

    return probe
