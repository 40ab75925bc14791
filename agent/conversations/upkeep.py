"""What keeps the conversations in order while the program runs: the tables at the start, deletion every day."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from agent.conversations.store import Conversations
from agent.database import DatabaseError, DatabaseNewer

logger = logging.getLogger(__name__)

DAY_S = 24 * 3600.0
AGAIN_S = 600.0
"""Pause after which what the database refused is tried again."""


@asynccontextmanager
async def looked_after(conversations: Conversations, *, retention_days: float) -> AsyncGenerator[None]:
    """Apply the retention now and every day while the context lasts, and close the database after it.

    Raises `DatabaseNewer`. A database that is away now is tried again later.
    """
    try:
        await conversations.prepare()
    except DatabaseNewer:
        await conversations.aclose()
        raise
    except DatabaseError as error:
        logger.warning("the conversations' database is away: %s", error)
    pruning = asyncio.create_task(_prune_daily(conversations, retention_days))
    try:
        yield
    finally:
        pruning.cancel()
        await asyncio.gather(pruning, return_exceptions=True)
        await conversations.aclose()


async def _prune_daily(conversations: Conversations, retention_days: float) -> None:
    while True:
        is_done = await prune_once(conversations, retention_days)
        await asyncio.sleep(DAY_S if is_done else AGAIN_S)


async def prune_once(conversations: Conversations, retention_days: float) -> bool:
    """Delete what is older than the retention; whether that was possible."""
    try:
        deleted = await conversations.prune(older_than_days=retention_days)
    except DatabaseError as error:
        logger.warning("old conversations are not deleted yet: %s", error)
        return False
    if deleted:
        logger.info("old conversations are deleted", extra={"conversations": deleted})
    return True
