"""Before any handler: who is asking, may they, not too often, not too much, not too slowly.

Every route is closed unless it is named here. `request[PRINCIPAL]` says who was let in, for handlers behind a scope.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from yarl import URL

from .addresses import caller_address
from .config import LOOPBACK, GuardRules, WebConfig
from .cors import answer_preflight, is_foreign, is_preflight
from .errors import BodyTooLarge, BodyTooSlow, Forbidden, KeysUnreadable, LengthRequired, TookTooLong, Unauthorized
from .gate import local_gate, shared_gate
from .keys import CONFIG, GATE, LIMITS, PRINCIPAL
from .principals import KEY_MARK, NEWCOMER, Principal, bearer_of_token
from .shared_limits import SharedMemory

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC = frozenset({"/", "/favicon.svg", "/admin", "/health", "/ready", "/openapi.json"})
PUBLIC_BELOW = ("/assets", "/api/session")
"""What the page is made of, how it starts a call, and what says nothing about anybody."""
SCOPE_OF = {
    "/v1/chat/completions": "chat",
    "/v1/models": "chat",
    "/chat": "chat",
    "/generate": "chat",
    "/models": "chat",
    "/v1/audio": "audio",
    "/transcribe": "audio",
    "/synthesize": "audio",
    "/voices": "audio",
    "/v1/embeddings": "embeddings",
    "/metrics": "metrics",
    "/admin/api": "admin",
}
"""Routes, each with all below it, and the scope that they need; whatever is named nowhere needs `admin`."""
OTHERWISE = "admin"
COUNTED_WHILE_READ = ("audio", "admin")
"""Scopes whose recordings and documents may come without saying how long they are."""


async def open_gate(app: web.Application) -> AsyncIterator[None]:
    """Hold the counters while the application runs."""
    config = app[CONFIG]
    if not config.guard.redis_url:
        app[GATE] = local_gate(config.guard, sessions_per_minute=config.sessions_per_minute)
        yield
        return
    memory = SharedMemory(config.guard.redis_url)
    app[GATE] = shared_gate(config.guard, memory, sessions_per_minute=config.sessions_per_minute)
    yield
    await memory.close()


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through to its handler, or raise the `DoorError` that says why not."""
    if is_preflight(request):
        return answer_preflight(request)
    if request.match_info.http_exception is not None:
        return await handler(request)  # no such route: 404 or 405
    scope = scope_of(request)
    check_length(request, scope)
    async with arriving_in_time(request, arrival_s(request, scope)):
        if scope is None and request.method in ("GET", "HEAD"):
            return await handler(request)
        async with counted(request), admitted(request, scope):
            return await handler(request)


def scope_of(request: web.Request) -> str | None:
    """The scope that the matched route needs; None where everybody may."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else request.path
    if route in PUBLIC or _is_below(route, PUBLIC_BELOW):
        return None
    return next((scope for path, scope in SCOPE_OF.items() if _is_below(route, (path,))), OTHERWISE)


def _is_below(route: str, paths: tuple[str, ...]) -> bool:
    return any(route == path or route.startswith(path + "/") for path in paths)


@asynccontextmanager
async def counted(request: web.Request) -> AsyncGenerator[None]:
    """Within this the request counts as one of its address's. Raises `TooManyRequests`."""
    config, gate = request.app[CONFIG], request.app[GATE]
    address = caller_address(request, trusted_proxies=config.trusted_proxies)
    await gate.address_rate.admit(address)
    async with gate.address_slots.hold(address):
        yield


@asynccontextmanager
async def admitted(request: web.Request, scope: str | None) -> AsyncGenerator[None]:
    """Within this the request counts as one of its principal's, and has so long and no longer."""
    if scope is None:
        yield
        return
    config, gate = request.app[CONFIG], request.app[GATE]
    principal = request[PRINCIPAL] = await principal_of(request, config, scope)
    if scope not in principal.scopes:
        raise _refusal(principal, scope)
    if principal is NEWCOMER:  # whom the address stands for
        async with in_time(request, scope):
            yield
        return
    await gate.key_rate.admit(principal.name)
    async with gate.key_slots.hold(principal.name), in_time(request, scope):
        yield


@asynccontextmanager
async def in_time(request: web.Request, scope: str) -> AsyncGenerator[None]:
    """Within this a request may run so long, counted from when its body is there. Raises `TookTooLong`."""
    app, clock = request.app, asyncio.get_running_loop().time
    longest_s = app[CONFIG].guard.max_request_s
    limit = asyncio.timeout(arrival_s(request, scope) + longest_s)
    try:
        async with limit:
            app[LIMITS].add(limit)
            request.content.on_eof(lambda: end_by(app, limit, clock() + longest_s))
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TookTooLong(f"The request took longer than {longest_s:g} s.") from error
    finally:
        app[LIMITS].discard(limit)


async def close_soon(app: web.Application) -> None:
    """The door takes no more requests: those that are being answered have `drain_s` left."""
    end_s = asyncio.get_running_loop().time() + app[CONFIG].drain_s
    for limit in app[LIMITS]:
        end_by(app, limit, end_s)


def end_by(app: web.Application, limit: asyncio.Timeout, end_s: float) -> None:
    """A request that still runs is over then, if it is not before."""
    if limit in app[LIMITS] and not limit.expired():
        limit.reschedule(min(end_s, limit.when() or end_s))


def _refusal(principal: Principal, scope: str) -> Unauthorized | Forbidden:
    if principal is NEWCOMER:
        return Unauthorized(f"This needs an API key: `landline keys create NAME --scope {scope}` makes one.")
    return Forbidden(f"This key or token may not do that: it lacks the scope {scope!r}.")


async def principal_of(request: web.Request, config: WebConfig, scope: str) -> Principal:
    """Who is asking for what needs `scope`. Raises `Unauthorized`, `Forbidden` or `KeysUnreadable`."""
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    credentials = credentials.strip()
    if kind.lower() == "bearer" and not credentials.isascii():
        raise Unauthorized("An API key or token has no such characters.")
    if kind.lower() == "bearer" and credentials.startswith(KEY_MARK):
        return await _holder_of_key(credentials, config.guard)
    if kind.lower() == "bearer" and credentials and config.guard.tokens:
        return bearer_of_token(credentials, config.guard.tokens)
    if await is_open(request, config):
        if is_foreign(request):
            raise Forbidden("Pages of other sites may not use this door; GUARD_API_ORIGINS names those that may.")
        return NEWCOMER
    makes = f"`landline keys create NAME --scope {scope}` makes one"
    raise Unauthorized(f"Send an API key: Authorization: Bearer ll_…; {makes}.")


async def _holder_of_key(key: str, rules: GuardRules) -> Principal:
    try:
        principal = await rules.keys.find(key)
    except Exception as error:  # whatever the store raises: nobody is let in
        raise _unreadable(error) from error
    if principal is None:
        raise Unauthorized("This API key is unknown, expired or revoked.")
    return principal


async def is_open(request: web.Request, config: WebConfig) -> bool:
    """Whether no key is needed: this machine's own programs ask a door without keys, on loopback, with no proxy before.

    The Host header is looked at so that no name of another site can be bent to this address.
    """
    rules = config.guard
    is_near = (
        rules.open_on_loopback
        and not rules.tokens
        and not config.trusted_proxies
        and is_loopback(request.remote or "")
        and is_loopback(_host_of(request))
        and not any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP"))
    )
    if not is_near:
        return False
    try:
        return not await rules.keys.exist()
    except Exception as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> KeysUnreadable:
    logger.error("the API keys cannot be read", extra={"error": type(error).__name__})
    return KeysUnreadable("The keys cannot be read; nobody is let in.")


def _host_of(request: web.Request) -> str:
    try:
        return URL(f"http://{request.host}").host or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine as it calls itself."""
    return host in LOOPBACK or host.startswith("127.") and host.replace(".", "").isdigit()


def check_length(request: web.Request, scope: str | None) -> None:
    """Refuse a body that is too long before any of it is read. Raises `BodyTooLarge` or `LengthRequired`."""
    limit = request.app[CONFIG].guard.max_body_bytes(scope)
    length = request.content_length
    if length is not None and length > limit:
        raise BodyTooLarge(f"The body has {length} bytes; at most {limit} are read here.")
    if length is None and request.body_exists and scope not in COUNTED_WHILE_READ:
        raise LengthRequired("Send Content-Length: bodies of unknown length are not read here.")


def arrival_s(request: web.Request, scope: str | None) -> float:
    """How long the body may take to come: by its length or, where that is unknown, by the longest that may come."""
    rules, length = request.app[CONFIG].guard, request.content_length
    if not request.body_exists:
        return 0.0
    return rules.arrival_s(rules.max_body_bytes(scope) if length is None else length)


@asynccontextmanager
async def arriving_in_time(request: web.Request, within_s: float) -> AsyncGenerator[None]:
    """Within this, reading a body that drips in too slowly fails: `BodyTooSlow`, and the connection is closed."""
    if not request.body_exists:
        yield
        return
    cut = asyncio.Event()

    def cut_off() -> None:
        if not request.content.is_eof():
            cut.set()
            request.content.set_exception(TimeoutError("the body came too slowly"))

    timer = asyncio.get_running_loop().call_later(within_s, cut_off)
    try:
        yield
    except TimeoutError as error:
        if not cut.is_set():
            raise
        raise BodyTooSlow(f"The body didn't arrive within {within_s:.0f} s.") from error
    finally:
        timer.cancel()
