"""What the door needs to know; composed by whoever starts it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .api.backend import Agent

Probe = Callable[[], Awaitable[bool]]
"""Answers whether a neighbouring process can serve now. Returns within a few seconds and never raises."""

TierLabel = Callable[[], Awaitable[str]]
"""Names the models in use, "starter" or "standard" ("unknown" while the engine is away). Never raises."""

Fitting = Callable[[], Awaitable[int | None]]
"""How many calls are answered fast enough at a time; None while nobody knows. Never raises."""


async def unknown() -> int | None:
    """Nobody knows how many calls fit: the number of lines alone decides."""
    return None


STATIC_DIR = Path(__file__).parent / "static"


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """The door's settings, all given from outside.

    livekit_url: where this process reaches LiveKit (ws, wss, http or https).
    public_livekit_url: where browsers reach it; None means this page's own host at livekit_url's port.
    max_calls: browser calls admitted at once, counted over all rooms whose name starts with room_prefix.
    fitting: how many of them are answered fast enough; asked before each admission.
    max_waiting: callers who may wait for a line.
    probes: what `/ready` asks besides LiveKit, by name ("engine", "worker").
    trusted_proxies: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed.
    agent: who answers on the HTTP door; without one there is only the page.
    max_audio_s: how long a recording sent to be transcribed may be.
    drain_s: how long answers that are being streamed may go on after the door is told to close.
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
    max_waiting: int = 20
    room_prefix: str = "call-"
    sessions_per_minute: int = 30
    trusted_proxies: frozenset[str] = frozenset()
    agent: Agent | None = None
    max_audio_s: float = 600.0
    drain_s: float = 10.0
