"""POST /api/session with every line taken: a place in line, and a call when the turn comes."""

import asyncio

import pytest

from web import sessions

from .conftest import Client, FakeLiveKit, OpenDoor

FULL = {"call-a": 1, "call-b": 1}


@pytest.fixture(autouse=True)
def nobody_is_held_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "HOLD_S", 0.05)
    monkeypatch.setattr(sessions, "LOOK_EVERY_S", 0.01)


async def join(door: Client) -> str:
    response = await door.post("/api/session", json={})
    assert response.status == 202
    return (await response.json())["ticket"]


async def ask(door: Client, ticket: str, **body: object) -> tuple[int, dict[str, object]]:
    response = await door.post(f"/api/session/{ticket}", json=body)
    return response.status, await response.json()


async def test_callers_get_places_in_order(door: Client, livekit: FakeLiveKit) -> None:
    livekit.rooms = dict(FULL)
    await join(door)
    response = await door.post("/api/session", json={})
    assert (await response.json())["place"] == 2
    assert int(response.headers["Retry-After"]) > 0


async def test_the_first_in_line_gets_the_line_that_falls_free(door: Client, livekit: FakeLiveKit) -> None:
    livekit.rooms = dict(FULL)
    first, second = await join(door), await join(door)
    livekit.rooms = {"call-a": 1}
    assert (await ask(door, second))[0] == 202
    status, session = await ask(door, first)
    assert status == 200 and session["token"]
    assert (await ask(door, second))[1]["place"] == 1


async def test_nobody_new_overtakes_the_line(door: Client, livekit: FakeLiveKit) -> None:
    livekit.rooms = dict(FULL)
    await join(door)
    livekit.rooms = {"call-a": 1}
    response = await door.post("/api/session", json={})
    assert (response.status, (await response.json())["place"]) == (202, 2)


async def test_a_line_for_each_who_waits_leaves_room_for_one_more(open_door: OpenDoor, livekit: FakeLiveKit) -> None:
    door = await open_door(max_calls=2)
    livekit.rooms = dict(FULL)
    await join(door)
    livekit.rooms = {}
    assert (await door.post("/api/session", json={})).status == 200


async def test_a_caller_who_knows_the_place_is_answered_when_it_changes(
    door: Client, livekit: FakeLiveKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "HOLD_S", 30.0)
    livekit.rooms = dict(FULL)
    first, second = await join(door), await join(door)
    held = asyncio.create_task(ask(door, second, place=2))
    assert (await door.delete(f"/api/session/{first}")).status == 204
    assert (await held)[1]["place"] == 1


async def test_a_place_that_does_not_change_is_said_again(door: Client, livekit: FakeLiveKit) -> None:
    livekit.rooms = dict(FULL)
    ticket = await join(door)
    assert (await ask(door, ticket, place=1))[1]["place"] == 1


async def test_who_lost_the_place_queues_again(door: Client, livekit: FakeLiveKit) -> None:
    livekit.rooms = dict(FULL)
    ticket = await join(door)
    await door.delete(f"/api/session/{ticket}")
    status, place = await ask(door, ticket, place=1)
    assert status == 202 and place["ticket"] != ticket


async def test_the_line_is_bounded(open_door: OpenDoor, livekit: FakeLiveKit) -> None:
    door = await open_door(max_waiting=1)
    livekit.rooms = dict(FULL)
    await join(door)
    response = await door.post("/api/session", json={})
    assert response.status == 503
    assert (await response.json())["error"] == {"code": "lines_busy", "message": "All lines are busy."}


async def test_asking_for_the_place_is_not_asking_for_a_call(open_door: OpenDoor, livekit: FakeLiveKit) -> None:
    door = await open_door(sessions_per_minute=1)
    livekit.rooms = dict(FULL)
    ticket = await join(door)
    assert [(await ask(door, ticket))[0] for _ in range(3)] == [202, 202, 202]
    assert (await ask(door, "forged"))[0] == 429


async def test_fewer_calls_than_lines_are_let_in_where_more_would_be_slow(
    open_door: OpenDoor, livekit: FakeLiveKit
) -> None:
    async def one() -> int | None:
        return 1

    door = await open_door(fitting=one)
    assert (await door.post("/api/session", json={})).status == 200
    assert (await door.post("/api/session", json={})).status == 202


@pytest.mark.parametrize("place", ["1", True, 1.5])
async def test_a_place_that_is_no_number_is_refused(door: Client, livekit: FakeLiveKit, place: object) -> None:
    livekit.rooms = dict(FULL)
    assert (await ask(door, await join(door), place=place))[0] == 400
