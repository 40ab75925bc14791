"""GET /health and /ready."""

from aiohttp.test_utils import unused_port

from .conftest import Client, OpenDoor


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def test_the_process_is_alive(door: Client) -> None:
    assert await (await door.get("/health")).json() == {"status": "live"}


async def test_ready_when_livekit_and_all_neighbours_are(open_door: OpenDoor) -> None:
    door = await open_door(probes={"engine": yes, "worker": yes})
    response = await door.get("/ready")
    assert response.status == 200
    assert (await response.json())["checks"] == {"livekit": True, "engine": True, "worker": True}


async def test_not_ready_while_the_engine_is_away(open_door: OpenDoor) -> None:
    door = await open_door(probes={"engine": no})
    response = await door.get("/ready")
    assert response.status == 503
    assert await response.json() == {"status": "unready", "checks": {"livekit": True, "engine": False}}


async def test_not_ready_while_livekit_is_away(open_door: OpenDoor) -> None:
    door = await open_door(livekit_url=f"ws://127.0.0.1:{unused_port()}")
    response = await door.get("/ready")
    assert response.status == 503
    assert (await response.json())["checks"] == {"livekit": False}
