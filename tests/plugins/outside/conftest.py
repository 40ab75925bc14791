"""A server in OpenAI's shape that misbehaves as it is told."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]
Manner = Callable[[web.Request], Awaitable[web.StreamResponse]]


def event(text: str = "", *, reason: str | None = None, **delta: Any) -> bytes:
    """One chunk as such servers write it."""
    choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}\n\n'
DONE = b"data: [DONE]\n\n"


def says(*pieces: bytes, then: Callable[[], Awaitable[None]] | None = None) -> Manner:
    """A server that streams `pieces`."""

    async def manner(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then:
            await then()
        return response

    return manner


def refuses(status: int) -> Manner:
    """A server that answers with an error."""

    async def manner(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no"}}, status=status)

    return manner


async def hangs(request: web.Request) -> web.StreamResponse:
    """A server that never answers."""
    await asyncio.sleep(3600)
    raise AssertionError


async def hang_up(request: web.Request) -> web.StreamResponse:
    """A server that closes the connection."""
    assert request.transport
    request.transport.abort()
    return web.Response()


well = says(event("Hello "), b": waiting\n\n", event("there."), event(reason="stop"), USAGE, DONE)


@dataclass
class Outside:
    """Behaves in the first of `manners`, then in the next; the last one stays."""

    manners: list[Manner] = field(default_factory=lambda: [well])
    asked: list[Json] = field(default_factory=list[Json])
    url: str = ""
    model: str = "their-model"

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
        return await manner(request)

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": self.model}]})


@asynccontextmanager
async def served(fake: Outside) -> AsyncGenerator[Outside]:
    """The fake behind an address of its own."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", fake.complete)
    app.router.add_get("/v1/models", fake.models)
    async with TestServer(app, shutdown_timeout=0) as server:
        fake.url = f"http://127.0.0.1:{server.port}/v1"
        yield fake


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with served(Outside()) as fake:
        yield fake
