"""The web door, put together from the settings."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from agent.conversations.store import Conversations, open_conversations
from agent.conversations.turns import is_id, new_id
from agent.conversations.upkeep import looked_after
from agent.database import DatabaseError
from agent.limit import fitting
from agent.owner import owners_page
from agent.probes import engine_is_ready, worker_is_registered
from agent.settings import Settings
from plugins.client import EngineClient
from plugins.correlation import correlation_id, door
from plugins.errors import EngineError
from web.config import WebConfig

logger = logging.getLogger(__name__)

BEGIN_S = 0.5
"""How long a new call waits for the conversations' database; its conversation then begins with the first turn."""


def web_config(settings: Settings) -> WebConfig:
    """What the door needs to know, and whom it asks before it says that it is ready. Raises `DatabaseError`."""
    conversations = open_conversations(settings.conversations)

    async def tier() -> str:
        return settings.tier

    async def calls_that_fit() -> int | None:
        async with EngineClient(settings.engine.url) as engine:
            return await fitting(engine)

    async def begin_conversation(wanted: str | None) -> str | None:
        return await begin(conversations, wanted) if settings.conversations.keep else None

    async def engine_metrics() -> str:
        with suppress(EngineError):
            async with EngineClient(settings.engine.url) as engine:
                return await engine.metrics()
        return ""

    return WebConfig(
        host=settings.web.host,
        port=settings.web.port,
        livekit_url=settings.livekit_url,
        public_livekit_url=settings.livekit.public_url or None,
        api_key=settings.livekit.api_key,
        api_secret=settings.livekit.api_secret.get_secret_value(),
        agent_name=settings.worker.agent_name,
        max_calls=settings.worker.max_calls,
        models_tier=tier,
        probes={"engine": engine_is_ready(settings), "worker": worker_is_registered(settings)},
        fitting=calls_that_fit,
        begin_conversation=begin_conversation,
        services=(partial(looked_after, conversations, retention_days=settings.conversations.retention_days),),
        engine_metrics=engine_metrics,
        correlate=correlate,
        admin=owners_page(settings, conversations),
        max_waiting=settings.web.max_waiting,
        sessions_per_minute=settings.web.sessions_per_minute,
    )


def correlate(request_id: str) -> None:
    """Let log lines and the engine know for which request the current task works."""
    correlation_id.set(request_id)
    door.set("http")


async def begin(conversations: Conversations, wanted: str | None) -> str:
    """The id to go on with. Where the database cannot tell, the caller's own is taken as it is."""
    beginning = asyncio.create_task(conversations.begin(wanted, door="voice"))
    await asyncio.wait({beginning}, timeout=BEGIN_S)  # never cancelled: that would break the connection
    try:
        if beginning.done():
            return beginning.result()
        beginning.add_done_callback(lambda done: done.exception())
        logger.warning("the conversations' database does not answer in time")
    except DatabaseError as error:
        logger.warning("the conversations' database is away: %s", error)
    return wanted if wanted and is_id(wanted) else new_id()
