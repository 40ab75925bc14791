"""A door on loopback with a stand-in for LiveKit's room API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from livekit import api

from web.config import GuardRules, WebConfig
from web.server import create_app

SECRET = "a-secret-of-at-least-thirty-two-characters"
Client = TestClient[web.Request, web.Application]
OpenDoor = Callable[..., Awaitable[Client]]


@dataclass
class FakeLiveKit:
    """Answers ListRooms with `rooms`, a map of room name to callers in it."""

    rooms: dict[str, int] = field(default_factory=dict[str, int])
    url: str = ""

    async def list_rooms(self, request: web.Request) -> web.Response:
        rooms = [api.Room(name=name, num_participants=count) for name, count in self.rooms.items()]
        body = api.ListRoomsResponse(rooms=rooms).SerializeToString()
        return web.Response(body=body, content_type="application/protobuf")


@pytest.fixture
async def livekit() -> AsyncIterator[FakeLiveKit]:
    fake = FakeLiveKit()
    app = web.Application()
    app.router.add_post("/twirp/livekit.RoomService/ListRooms", fake.list_rooms)
    async with TestServer(app) as server:
        fake.url = f"ws://{server.host}:{server.port}"
        yield fake


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Landline</title>")
    (tmp_path / "assets" / "index-1a2b3c.js").write_text("export {};")
    return tmp_path


@pytest.fixture
def config(livekit: FakeLiveKit, static_dir: Path) -> WebConfig:
    async def starter() -> str:
        return "starter"

    return WebConfig(
        host="127.0.0.1",
        port=0,
        livekit_url=livekit.url,
        api_key="devkey",
        api_secret=SECRET,
        agent_name="landline",
        max_calls=2,
        models_tier=starter,
        static_dir=static_dir,
        guard=GuardRules(open_on_loopback=True),
    )


@pytest.fixture
async def open_door(config: WebConfig) -> AsyncIterator[OpenDoor]:
    """Start a door with some settings changed."""
    opened: list[Client] = []

    async def start(**changes: object) -> Client:
        client = TestClient(TestServer(create_app(replace(config, **changes))))
        await client.start_server()
        opened.append(client)
        return client

    yield start
    for client in opened:
        await client.close()


@pytest.fixture
async def door(open_door: OpenDoor) -> Client:
    return await open_door()
