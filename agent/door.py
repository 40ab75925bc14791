"""The web door, put together from the settings."""

from agent.answering import Answering, Conversations
from agent.limit import fitting
from agent.probes import engine_is_ready, worker_is_registered
from agent.settings import Settings
from plugins.client import EngineClient
from web.config import WebConfig


def web_config(settings: Settings, *, conversations: Conversations | None = None) -> WebConfig:
    """What the door needs to know, who answers on it, and whom it asks before it says that it is ready."""

    async def tier() -> str:
        return settings.tier

    async def calls_that_fit() -> int | None:
        async with EngineClient(settings.engine.url) as engine:
            return await fitting(engine)

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
        max_waiting=settings.web.max_waiting,
        sessions_per_minute=settings.web.sessions_per_minute,
        agent=Answering(EngineClient(settings.engine.url), settings, conversations=conversations),
        max_audio_s=settings.web.max_audio_s,
        drain_s=settings.web.drain_s,
    )
