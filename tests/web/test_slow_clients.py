"""Clients that send next to nothing, for ever, on purpose: cut off, while others are served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from web.config import SLOWEST_LINE_BYTES_PER_S, GuardRules, WebConfig
from web.server import create_app, run

from .guarded import Client, guarded, show_principal

HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
RULES = GuardRules(header_timeout_s=1.0, body_timeout_s=0.5, open_on_loopback=True)


@pytest.fixture
async def door(config: WebConfig) -> AsyncIterator[Client]:
    """A door with short time-outs, and the connections kept as `run` has it."""
    app = create_app(replace(config, guard=RULES))
    app.router.add_post("/chat", show_principal)
    async with AsyncExitStack() as closing:
        server = TestServer(app)
        await server.start_server(keepalive_timeout=RULES.header_timeout_s)
        yield await closing.enter_async_context(TestClient(server))


async def drip(door: Client, first: str, then: str) -> bytes:
    """Send `first`, then `then` again and again until the server closes; what it answered."""
    reader, writer = await asyncio.open_connection(door.server.host, door.server.port)
    writer.write(first.encode())
    answer = asyncio.create_task(all_of(reader))
    try:
        while not answer.done():
            writer.write(then.encode())
            await asyncio.wait({answer}, timeout=0.05)
    finally:
        writer.close()
    return answer.result()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end; a reset connection has ended too."""
    read = b""
    with suppress(ConnectionError):
        while some := await reader.read(4096):
            read += some
    return read


async def test_heads_that_never_end_are_cut_off_while_others_are_served(door: Client) -> None:
    slow = [asyncio.create_task(drip(door, "GET /v1/models HTTP/1.1\r\n", "X-A: b\r\n")) for _ in range(20)]
    silent = [asyncio.create_task(drip(door, "", "")) for _ in range(20)]
    served = 0
    while not all(one.done() for one in slow + silent):
        assert (await door.get("/health")).status == 200
        served += 1
        await asyncio.sleep(0.05)
    assert served
    assert not any(one.exception() for one in slow + silent)


async def test_a_second_head_on_the_same_connection_has_no_more_time(door: Client) -> None:
    answer = await drip(door, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /health HTTP/1.1\r\n", "X-A: b\r\n")
    assert answer.count(b"200 OK") == 1


@pytest.mark.parametrize("path", ["/chat", "/api/session"])
async def test_a_body_that_never_ends_is_cut_off_and_told_why(
    door: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await drip(door, HEAD.format(path=path), " ")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"body_too_slow" in answer
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


async def dripping(size: int, *, over_s: float) -> AsyncIterator[bytes]:
    """A body of which every piece comes late."""
    for _ in range(8):
        await asyncio.sleep(over_s / 8)
        yield bytes(size // 8)


async def test_a_long_body_has_the_time_that_a_slow_line_takes(door: Client) -> None:
    headers = {"Content-Length": str(SLOWEST_LINE_BYTES_PER_S)}
    slowly = dripping(SLOWEST_LINE_BYTES_PER_S, over_s=2 * RULES.body_timeout_s)
    assert (await door.post("/chat", data=slowly, headers=headers)).status == 200


async def test_who_is_cut_off_is_told_after_how_long(door: Client) -> None:
    head = HEAD.format(path="/chat").replace("Content-Length: 1000", f"Content-Length: {SLOWEST_LINE_BYTES_PER_S}")
    assert b"within 2 s" in await drip(door, head, " ")


async def test_the_time_for_the_answer_begins_when_the_body_is_there(config: WebConfig) -> None:
    async with guarded(config, max_request_s=0.5) as door:
        headers = {"Content-Length": "80"}
        assert (await door.post("/chat", data=dripping(80, over_s=0.8), headers=headers)).status == 200


def test_the_door_is_served_with_these_time_outs(config: WebConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, Any] = {}
    monkeypatch.setattr(web, "run_app", lambda app, **options: served.update(options))
    run(replace(config, guard=RULES))
    assert served["keepalive_timeout"] == RULES.header_timeout_s
