"""What the door needs to know; composed by whoever starts it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .admin import Admin

from .api.backend import Agent
from .principals import Keys, NoKeys, TokenRules

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

WaitingByPhone = Callable[[], int]
"""How many callers wait in their rooms; those who wait at the door are not among them. Never raises."""

Correlate = Callable[[str], None]
"""Told the id of the request that the current task works for."""


Failed = Callable[[str], None]
"""Told the code of what the door could not do."""


async def keep_none(_: str | None) -> str | None:
    """Conversations are not kept."""
    return None


async def unknown() -> int | None:
    """Nobody knows how many calls fit: the number of lines alone decides."""
    return None


def nobody() -> int:
    """Nobody waits but at the door."""
    return 0


async def no_metrics() -> str:
    """The engine is not asked."""
    return ""


def correlate_nothing(_: str) -> None:
    """Nobody else wants to know whose work this is."""


def tell_nobody(_: str) -> None:
    """Nobody counts what goes wrong."""


STATIC_DIR = Path(__file__).parent / "static"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SESSION_BYTES = 16 * 1024
"""The longest body that anybody may send without a key."""
SLOWEST_LINE_BYTES_PER_S = 64 * 1024
"""Half a megabit: so slow a line still brings a recording or a document."""


@dataclass(frozen=True, kw_only=True)
class GuardRules:
    """Who may use the HTTP door, how often, how much and how long.

    open_on_loopback: let this machine's own programs in without a key as long as none was ever made.
    tokens: whose signed tokens are believed beside API keys.
    api_origins, page_origins: sites whose pages may read answers of the HTTP API, and start calls; "*" for all.
    redis_url: where several web processes count together; empty: each counts alone.
    header_timeout_s: how long a connection may take for a request's head, or stay silent between requests.
    body_timeout_s: how long a short body may take; see `arrival_s`.
    max_request_s: so long after its body came a request is over, streams too.
    """

    keys: Keys = field(default_factory=NoKeys)
    tokens: TokenRules | None = None
    open_on_loopback: bool = False
    api_origins: frozenset[str] = frozenset()
    page_origins: frozenset[str] = frozenset()
    key_per_minute: int = 600
    address_per_minute: int = 1200
    key_at_once: int = 128
    address_at_once: int = 256
    redis_url: str = field(default="", repr=False)
    header_timeout_s: float = 20.0
    body_timeout_s: float = 30.0
    max_request_s: float = 300.0
    max_text_bytes: int = 2**20
    max_audio_bytes: int = 25 * 2**20
    max_document_bytes: int = 20 * 2**20
    max_answer_tokens: int = 1024

    def max_body_bytes(self, scope: str | None) -> int:
        """The longest body that routes of a scope take."""
        match scope:
            case None:
                return SESSION_BYTES
            case "audio":
                return self.max_audio_bytes
            case "admin":
                return self.max_document_bytes
            case _:
                return self.max_text_bytes

    def arrival_s(self, body_bytes: int) -> float:
        """How long a body may take to come: so that a slow line can bring it, and little more."""
        return self.body_timeout_s + body_bytes / SLOWEST_LINE_BYTES_PER_S

    @property
    def longest_body_bytes(self) -> int:
        """The longest body that any route takes."""
        return max(SESSION_BYTES, self.max_text_bytes, self.max_audio_bytes, self.max_document_bytes)


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
    waiting_by_phone: asked for `/metrics` too.
    correlate: told the id of each request, for log lines and for whom the request reaches next.
    failed: told what the door could not do; refusals for a reason of the sender's are none.
    admin: what the owner's page shows; None leaves it out.
    max_waiting: callers who may wait for a line.
    probes: what `/ready` asks besides LiveKit, by name ("engine", "worker").
    trusted_proxies: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
    guard: who may use the HTTP door, and how much.
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
    begin_conversation: BeginConversation = keep_none
    services: tuple[Service, ...] = ()
    engine_metrics: EngineMetrics = no_metrics
    waiting_by_phone: WaitingByPhone = nobody
    correlate: Correlate = correlate_nothing
    failed: Failed = tell_nobody
    admin: "Admin | None" = None
    max_waiting: int = 20
    room_prefix: str = "call-"
    sessions_per_minute: int = 30
    trusted_proxies: frozenset[str] = frozenset()
    guard: GuardRules = field(default_factory=GuardRules)
    agent: Agent | None = None
    max_audio_s: float = 600.0
    drain_s: float = 10.0
