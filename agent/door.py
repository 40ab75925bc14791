"""The web door, put together from the settings."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from agent.answering import Answering
from agent.call_record import WAITING_FOLDER, CallRecords
from agent.conversations.store import Conversations, open_conversations
from agent.conversations.turns import is_id, new_id
from agent.conversations.upkeep import looked_after
from agent.database import DatabaseError
from agent.keys import KeyStore
from agent.limit import fitting
from agent.owner import owners_page
from agent.probes import engine_is_ready, worker_is_registered
from agent.reporting import Reports
from agent.settings import GuardSettings, Settings, is_loopback, listed
from agent.tracing import open_traces
from plugins.client import EngineClient
from plugins.correlation import correlation_id, door
from plugins.errors import EngineError
from web.config import GuardRules, WebConfig
from web.principals import TokenRules

logger = logging.getLogger(__name__)

BEGIN_S = 0.5
"""How long a new call waits for the conversations' database; its conversation then begins with the first turn."""


def web_config(settings: Settings) -> WebConfig:
    """What the door needs to know, and whom it asks before it says that it is ready.

    Raises `DatabaseError` or `KeysNewer`.
    """
    KeyStore(settings.guard.keys).check()
    conversations = open_conversations(settings.conversations)
    kept = conversations if settings.conversations.keep else None
    engine = EngineClient(settings.engine.url)
    reports = Reports(engine, open_traces(settings.traces))

    async def tier() -> str:
        return settings.tier

    async def begin_conversation(wanted: str | None) -> str | None:
        return await begin(kept, wanted) if kept else None

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
        fitting=partial(fitting, engine),
        begin_conversation=begin_conversation,
        services=(partial(looked_after, conversations, retention_days=settings.conversations.retention_days),),
        engine_metrics=partial(engine_metrics, engine),
        waiting_by_phone=lambda: len(CallRecords(WAITING_FOLDER).rooms()),
        correlate=correlate,
        admin=owners_page(settings, conversations),
        max_waiting=settings.web.max_waiting,
        sessions_per_minute=settings.web.sessions_per_minute,
        trusted_proxies=listed(settings.guard.trusted_proxies),
        guard=guard_rules(settings),
        agent=Answering(engine, settings, conversations=kept, reports=reports),
        failed=reports.trouble,
        max_audio_s=settings.guard.max_audio_s,
        drain_s=settings.web.drain_s,
    )


async def engine_metrics(engine: EngineClient) -> str:
    """What the engine tells Prometheus; nothing while it is away."""
    with suppress(EngineError):
        return await engine.metrics()
    return ""


def guard_rules(settings: Settings) -> GuardRules:
    """Who may use the HTTP door, how often and how much."""
    guard = settings.guard
    return GuardRules(
        keys=KeyStore(guard.keys),
        tokens=token_rules(guard),
        open_on_loopback=is_loopback(settings.web.host),
        api_origins=listed(guard.api_origins),
        page_origins=listed(guard.page_origins),
        key_per_minute=guard.key_per_minute,
        address_per_minute=guard.address_per_minute,
        key_at_once=guard.key_at_once,
        address_at_once=guard.address_at_once,
        redis_url=guard.redis_url.get_secret_value(),
        header_timeout_s=guard.header_timeout_s,
        body_timeout_s=guard.body_timeout_s,
        max_request_s=guard.max_request_s,
        max_text_bytes=int(guard.max_text_mb * 2**20),
        max_audio_bytes=int(guard.max_audio_mb * 2**20),
        max_document_bytes=settings.knowledge.max_document_mb * 2**20,
        max_answer_tokens=guard.max_answer_tokens,
    )


def token_rules(guard: GuardSettings) -> TokenRules | None:
    """Whose signed tokens are believed; None for nobody's."""
    secret = guard.jwt_secret.get_secret_value()
    if secret:
        return TokenRules(secret, "HS256", guard.jwt_issuer, guard.jwt_audience)
    if guard.jwt_public_key:
        pem = guard.jwt_public_key.read_text()
        return TokenRules(pem, guard.jwt_algorithm, guard.jwt_issuer, guard.jwt_audience)
    return None


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
