"""What happens when a model fails in a call: the caller hears an apology, and the turn is tried once more."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from livekit.agents import APIConnectionError, APIError, APIStatusError

from agent.phrases import ONE_MOMENT, OUT_OF_ORDER
from plugins.client import EngineClient
from plugins.errors import EngineError

logger = logging.getLogger(__name__)

Piece = TypeVar("Piece")

ASK_EVERY_S = 0.25
PATIENCE_S = 30.0
"""How long a turn is kept for an engine that is away."""

MODEL_FAILURES = (EngineError, APIError)
"""What a model can raise in a call: our own errors, or LiveKit's for the same."""
PASSING_STATUSES = (429, 503)


async def with_apology(
    make: Callable[[], AsyncIterator[Piece]],
    *,
    sorry: Callable[[str], AsyncIterator[Piece]],
    come_back: Callable[[], Awaitable[bool]],
    what: str,
) -> AsyncIterator[Piece]:
    """The pieces of an answer. If its making fails: `sorry`, wait for the models to `come_back`, make it once more.

    A failure that does not pass, or a second one, ends in `sorry` alone. `what` names the answer in the log.
    """
    try:
        async for piece in make():
            yield piece
        return
    except MODEL_FAILURES as failure:
        may_pass = _note(failure, what)
    if may_pass:
        async for piece in sorry(ONE_MOMENT):
            yield piece
        try:
            if await come_back():
                async for piece in make():
                    yield piece
                return
        except MODEL_FAILURES as failure:
            _note(failure, f"second {what}")
    async for piece in sorry(OUT_OF_ORDER):
        yield piece


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


def _note(failure: EngineError | APIError, what: str) -> bool:
    passing = may_pass(failure)
    logger.warning("no %s: %s", what, type(failure).__name__, extra={"passing": passing})
    return passing


def may_pass(failure: EngineError | APIError) -> bool:
    """Whether it is worth while to wait and try again.

    LiveKit marks an error as final once something was said before it, so its own mark is not what counts here.
    """
    match failure:
        case APIConnectionError():
            return True
        case APIStatusError():
            return failure.status_code in PASSING_STATUSES
        case _:
            return failure.retryable
