"""What the door needs to know; composed by whoever starts it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .admin import Admin

Probe = Callable[[], Awaitable[bool]]
"""Answers whether a neighbouring process can serve now. Returns within a few seconds and never raises."""

TierLabel = Callable[[], Awaitable[str]]
"""Names the models in use, "starter" or "standard" ("unknown" while the engine is away). Never raises."""

Fitting = Callable[[], Awaitable[int | None]]
"""How many calls are answered fast enough at a time; None while nobody knows. Never raises."""


BeginConversation = Callable[[str | None], Awaitable[str | None]]
"""The id of the conversation that a call belongs to: the caller's own or a new one; None where none is kept.

Returns within a second and never raises.
"""

Service = Callable[[], AbstractAsyncContextManager[None]]
"""Something that runs for as long as the door is open."""


EngineMetrics = Callable[[], Awaitable[str]]
"""What the engine counts, as Prometheus reads it; nothing while it is away. Never raises."""

Correlate = Callable[[str], None]
"""Told the id of the request that the current task works for."""


async def keep_none(_: str | None) -> str | None:
    """Conversations are not kept."""
    return None


async def unknown() -> int | None:
    """Nobody knows how many calls fit: the number of lines alone decides."""
    return None


async def no_metrics() -> str:
    """The engine is not asked."""
    return ""


def correlate_nothing(_: str) -> None:
    """Nobody else wants to know whose work this is."""


STATIC_DIR = Path(__file__).parent / "static"


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """The door's settings, all given from outside.

    livekit_url: where this process reaches LiveKit (ws, wss, http or https).
    public_livekit_url: where browsers reach it; None means this page's own host at livekit_url's port.
    max_calls: browser calls admitted at once, counted over all rooms whose name starts with room_prefix.
    fitting: how many of them are answered fast enough; asked before each admission.
    begin_conversation: asked when a call is admitted.
    services: what runs beside the door in its process.
    engine_metrics: what `/metrics` shows besides the door's own numbers.
    correlate: told the id of each request, for log lines and for whom the request reaches next.
    admin: what the owner's page shows; None leaves it out.
    max_waiting: callers who may wait for a line.
    probes: what `/ready` asks besides LiveKit, by name ("engine", "worker").
    trusted_proxies: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed.
    """

    host: str
    port: int
    livekit_url: str
    api_key: str
    api_secret: str = field(repr=False)
    agent_name: str
    max_calls: int
    models_tier: TierLabel
    probes: Mapping[str, Probe] = field(default_factory=dict[str, Probe])
    public_livekit_url: str | None = None
    static_dir: Path = STATIC_DIR
    fitting: Fitting = unknown
    begin_conversation: BeginConversation = keep_none
    services: tuple[Service, ...] = ()
    engine_metrics: EngineMetrics = no_metrics
    correlate: Correlate = correlate_nothing
    admin: "Admin | None" = None
    max_waiting: int = 20
    room_prefix: str = "call-"
    sessions_per_minute: int = 30
    trusted_proxies: frozenset[str] = frozenset()
