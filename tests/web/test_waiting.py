"""POST /api/session with every line taken: a place in line, and a call when the turn comes."""

import asyncio

import pytest

from web import sessions
from web.sessions import MAX_ON_THE_WAY

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


async def statuses(door: Client, *, of: str, number: int) -> list[int]:
    """What so many callers of one address are answered, through a proxy that is trusted."""
    headers = {"X-Forwarded-For": of}
    asked = [door.post("/api/session", json={}, headers=headers) for _ in range(number)]
    return sorted([answer.status for answer in await asyncio.gather(*asked)])


async def test_one_address_cannot_keep_every_line_without_coming(open_door: OpenDoor, livekit: FakeLiveKit) -> None:
    door = await open_door(max_calls=8, trusted_proxies=frozenset({"127.0.0.0/8"}))
    assert await statuses(door, of="192.0.2.1", number=6) == [200, 200, 200, 503, 503, 503]
    assert await statuses(door, of="192.0.2.2", number=1) == [200]


async def test_one_address_cannot_fill_the_line(open_door: OpenDoor, livekit: FakeLiveKit) -> None:
    door = await open_door(trusted_proxies=frozenset({"127.0.0.0/8"}))
    livekit.rooms = dict(FULL)
    assert await statuses(door, of="192.0.2.1", number=6) == [202, 202, 202, 503, 503, 503]
    assert await statuses(door, of="192.0.2.2", number=1) == [202]


async def test_who_waited_and_was_let_in_still_counts_until_they_come(
    open_door: OpenDoor, livekit: FakeLiveKit
) -> None:
    door = await open_door(trusted_proxies=frozenset({"127.0.0.0/8"}))
    livekit.rooms = dict(FULL)
    headers = {"X-Forwarded-For": "192.0.2.1"}
    tickets = [(await (await door.post("/api/session", json={}, headers=headers)).json())["ticket"] for _ in range(3)]
    livekit.rooms = {}
    answers = [await ask(door, ticket) for ticket in tickets[:2]]
    assert [status for status, _ in answers] == [200, 200]
    assert await statuses(door, of="192.0.2.1", number=1) == [503]


async def test_one_place_in_line_asked_for_often_is_not_many_lines(open_door: OpenDoor, livekit: FakeLiveKit) -> None:
    door = await open_door(max_calls=8, trusted_proxies=frozenset({"127.0.0.0/8"}))
    livekit.rooms = {f"call-{number}": 1 for number in range(8)}
    headers = {"X-Forwarded-For": "192.0.2.1"}
    ticket = (await (await door.post("/api/session", json={}, headers=headers)).json())["ticket"]
    livekit.rooms = {}
    answers = await asyncio.gather(*(ask(door, ticket) for _ in range(6)))
    assert [status for status, _ in answers].count(200) <= MAX_ON_THE_WAY


async def test_on_this_machines_own_address_all_look_alike_and_none_is_refused(
    open_door: OpenDoor, livekit: FakeLiveKit
) -> None:
    door = await open_door(max_calls=8)
    assert [(await door.post("/api/session", json={})).status for _ in range(6)] == [200] * 6


@pytest.mark.parametrize("place", ["1", True, 1.5])
async def test_a_place_that_is_no_number_is_refused(door: Client, livekit: FakeLiveKit, place: object) -> None:
    livekit.rooms = dict(FULL)
    assert (await ask(door, await join(door), place=place))[0] == 400
