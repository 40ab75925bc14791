"""The web process by itself before an engine that writes as slowly, as long or as fast as a test wants."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web

from agent.settings import ROOT
from tests.system import free_ports

pytestmark = pytest.mark.e2e

WITHIN_S = 30
ASKED = {"messages": [{"role": "user", "content": "hello"}], "documents": False, "stream": True}
MUCH = 64 * 1024


@dataclass
class SlowEngine:
    """Writes `pieces` of so many characters, with a pause after each. `running` are answers that it is writing."""

    pieces: int = 20
    piece_chars: int = 4
    pause_s: float = 0.1
    written_bytes: int = 0
    running: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.running += 1
        try:
            await self._write(response)
        finally:
            self.running -= 1
        return response

    async def _write(self, response: web.StreamResponse) -> None:
        for _ in range(self.pieces):
            await self._send(response, {"content": "x" * self.piece_chars})
            self.began.set()
            await asyncio.sleep(self.pause_s)
        await self._send(response, {}, "stop")
        await response.write(b"data: [DONE]\n\n")

    async def _send(self, response: web.StreamResponse, delta: dict[str, str], reason: str | None = None) -> None:
        event = {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        line = b"data: " + json.dumps(event).encode() + b"\n\n"
        await response.write(line)
        self.written_bytes += len(line)

    async def until_idle(self) -> None:
        """Return once nothing is being written."""
        async with asyncio.timeout(WITHIN_S):
            while self.running:
                await asyncio.sleep(0.05)


@dataclass
class Door:
    """A running web process."""

    url: str
    process: asyncio.subprocess.Process
    log: Path

    async def ask(self, http: aiohttp.ClientSession) -> aiohttp.ClientResponse:
        """Begin to read a streamed answer."""
        response = await http.post(f"{self.url}/v1/chat/completions", json=ASKED)
        assert response.status == 200, await response.text()
        return response

    @property
    def memory_bytes(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SlowEngine]:
    slow = SlowEngine()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", slow.complete)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "engine.sock")).start()
    yield slow
    await runner.cleanup()


@pytest.fixture
async def door(engine: SlowEngine, tmp_path: Path) -> AsyncIterator[Door]:
    [port] = free_ports(1)
    own = {"ENGINE_URL": f"unix:{tmp_path}/engine.sock", "WEB_PORT": str(port), "WEB_DRAIN_S": "5"}
    log = tmp_path / "web.log"
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "web"),
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | own,
            stdout=output,
            stderr=output,
        )
    door = Door(f"http://127.0.0.1:{port}", process, log)
    try:
        await until_open(door)
        yield door
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_open(door: Door) -> None:
    async with asyncio.timeout(WITHIN_S), aiohttp.ClientSession() as http:
        while True:
            assert door.process.returncode is None, door.log.read_text()
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(f"{door.url}/health") as response:
                    assert response.status == 200
                    return
            await asyncio.sleep(0.1)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def text_of(stream: str) -> str:
    """What was written in a stream of events."""
    lines = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: {")]
    choices: list[Any] = [choice for line in lines for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def test_a_closing_door_lets_streams_end_and_nobody_in(
    door: Door, engine: SlowEngine, http: aiohttp.ClientSession
) -> None:
    stream = await door.ask(http)
    await engine.began.wait()
    door.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(aiohttp.ClientConnectionError):
            while True:
                async with aiohttp.ClientSession() as other:
                    await other.get(f"{door.url}/health")
        told = await stream.text()
        assert await door.process.wait() == 0, door.log.read_text()
    assert text_of(told) == "x" * engine.pieces * engine.piece_chars and told.endswith("data: [DONE]\n\n")
    assert "Traceback" not in door.log.read_text()


async def test_a_closing_door_does_not_wait_for_ever(
    door: Door, engine: SlowEngine, http: aiohttp.ClientSession
) -> None:
    engine.pieces = 1_000_000
    stream = await door.ask(http)
    await engine.began.wait()
    door.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(WITHIN_S):
        assert await door.process.wait() == 0, door.log.read_text()
        with pytest.raises(aiohttp.ClientError):
            await stream.text()
    await engine.until_idle()
    assert "Traceback" not in door.log.read_text()


async def test_who_leaves_ends_the_engines_work(door: Door, engine: SlowEngine, http: aiohttp.ClientSession) -> None:
    engine.pieces = 1_000_000
    stream = await door.ask(http)
    await engine.began.wait()
    stream.close()
    await engine.until_idle()


async def test_a_reader_who_does_not_read_holds_the_engine_back(
    door: Door, engine: SlowEngine, http: aiohttp.ClientSession
) -> None:
    """What lies between is what the system's sockets hold; the door keeps none of it."""
    engine.pieces, engine.piece_chars, engine.pause_s = 1_000_000, MUCH, 0.0
    before_bytes = door.memory_bytes
    stream = await door.ask(http)
    written_bytes = -1
    async with asyncio.timeout(WITHIN_S):
        while written_bytes != engine.written_bytes:  # until it is held back
            written_bytes = engine.written_bytes
            await asyncio.sleep(2)
    assert engine.written_bytes < 1000 * MUCH
    assert door.memory_bytes - before_bytes < 500 * MUCH
    stream.close()
    await engine.until_idle()
