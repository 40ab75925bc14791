"""A door with small routes on the paths that the guard protects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from web.config import GuardRules, WebConfig
from web.keys import PRINCIPAL
from web.principals import Principal
from web.server import create_app

Client = TestClient[web.Request, web.Application]
PATHS = {
    "/v1/chat/completions": "chat",
    "/v1/models": "chat",
    "/chat": "chat",
    "/generate": "chat",
    "/models": "chat",
    "/v1/audio/speech": "audio",
    "/v1/audio/transcriptions": "audio",
    "/transcribe": "audio",
    "/synthesize": "audio",
    "/voices": "audio",
    "/v1/embeddings": "embeddings",
    "/metrics": "metrics",
    "/admin/api/calls": "admin",
    "/v1/unheard-of": "admin",
    "/something/new": "admin",
}


@dataclass
class FakeKeys:
    """Keys by what is sent. `broken` is raised instead."""

    known: dict[str, Principal] = field(default_factory=dict[str, Principal])
    closed: bool = False
    broken: Exception | None = None

    async def exist(self) -> bool:
        if self.broken:
            raise self.broken
        return self.closed or bool(self.known)

    async def find(self, key: str) -> Principal | None:
        if self.broken:
            raise self.broken
        return self.known.get(key)


@dataclass
class Slow:
    """A route that goes on until it is told to end."""

    end: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.running += 1
        await self.end.wait()
        return web.Response()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The same, with an answer that has begun."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        await self.end.wait()
        return response


def key(name: str = "shop", *scopes: str) -> dict[str, Principal]:
    """One key, `ll_NAME`."""
    return {f"ll_{name}": Principal(f"key:{name}", frozenset(scopes or ("chat",)))}


def bearing(credentials: str) -> dict[str, str]:
    """The header that carries a key or a token."""
    return {"Authorization": f"Bearer {credentials}"}


async def show_principal(request: web.Request) -> web.Response:
    """Say who was let in, after reading what they sent."""
    body = await request.read()
    return web.json_response({"principal": request[PRINCIPAL].name, "bytes": len(body)})


@asynccontextmanager
async def guarded(config: WebConfig, *, slow: Slow | None = None, **rules: Any) -> AsyncIterator[Client]:
    """A door whose guard goes by `rules`, open on loopback unless they say otherwise."""
    changes: dict[str, Any] = {"open_on_loopback": True} | rules
    outer = {name: changes.pop(name) for name in ("trusted_proxies", "sessions_per_minute") if name in changes}
    app = create_app(replace(config, guard=GuardRules(**changes), **outer))
    for path in PATHS:
        app.router.add_route("*", path, show_principal)
    if slow:
        app.router.add_get("/v1/models/slow", slow.answer)
        app.router.add_get("/v1/models/stream", slow.stream)
    async with TestClient(TestServer(app), cookie_jar=None) as client:
        yield client
