"""Waiting for an engine that went away: is it back, and within the time a caller would wait?"""

import asyncio

from livekit.agents import APIError

from plugins.client import EngineClient
from plugins.errors import EngineError

ASK_EVERY_S = 0.25
PATIENCE_S = 30.0
"""How long a turn is kept for an engine that is away."""

MODEL_FAILURES = (EngineError, APIError)
"""What a model can raise in a call: our own errors, or LiveKit's for the same."""


async def is_back(engine: EngineClient, *, within_s: float = PATIENCE_S) -> bool:
    """Wait until every model of the engine is ready; `False` if that takes longer than `within_s`."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                if await _is_ready(engine):
                    return True
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError:
        return False


async def _is_ready(engine: EngineClient) -> bool:
    try:
        return (await engine.health())["status"] == "ready"
    except EngineError:
        return False
