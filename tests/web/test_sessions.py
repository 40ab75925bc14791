"""POST /api/session: who is let in, with what, and how refusals read."""

import asyncio
import json

import jwt
import pytest
from aiohttp.test_utils import unused_port

from .conftest import SECRET, Client, FakeLiveKit, OpenDoor


def claims(token: str) -> dict[str, object]:
    return jwt.decode(token, SECRET, algorithms=["HS256"])


async def test_a_caller_gets_a_room_of_their_own(door: Client) -> None:
    first = await (await door.post("/api/session", json={})).json()
    second = await (await door.post("/api/session", json={})).json()
    assert first["room"].startswith("call-")
    assert first["room"] != second["room"]
    assert first["models"] == "starter"


async def test_the_token_grants_one_room_and_the_least(door: Client) -> None:
    session = await (await door.post("/api/session", json={})).json()
    assert claims(session["token"])["video"] == {
        "roomJoin": True,
        "room": session["room"],
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canPublishData": True,
        "canSubscribe": True,
        "canUpdateOwnMetadata": True,
    }


async def test_the_token_lasts_ten_minutes(door: Client) -> None:
    token = claims((await (await door.post("/api/session", json={})).json())["token"])
    assert token["exp"] - token["nbf"] == 600  # type: ignore[operator]


async def test_the_token_dispatches_the_agent(door: Client) -> None:
    session = await (await door.post("/api/session", json={})).json()
    agents = claims(session["token"])["roomConfig"]["agents"]  # type: ignore[index]
    assert [agent["agentName"] for agent in agents] == ["landline"]


async def test_the_agent_learns_which_conversation_a_call_goes_on_with(open_door: OpenDoor) -> None:
    asked: list[str | None] = []

    async def begin(wanted: str | None) -> str:
        asked.append(wanted)
        return wanted or "conv-new"

    door = await open_door(begin_conversation=begin)
    first = await (await door.post("/api/session", json={})).json()
    second = await (await door.post("/api/session", json={"conversation": first["conversation"]})).json()
    assert asked == [None, "conv-new"] and second["conversation"] == "conv-new"
    assert [told(session["token"]) for session in (first, second)] == [
        {"door": "browser", "conversation": "conv-new", "goes_on": False},
        {"door": "browser", "conversation": "conv-new", "goes_on": True},
    ]


async def test_without_kept_conversations_a_call_belongs_to_none(door: Client) -> None:
    session = await (await door.post("/api/session", json={"conversation": "conv-1"})).json()
    assert session["conversation"] is None and told(session["token"]) == {"door": "browser"}


async def test_a_conversation_that_is_no_text_is_refused(door: Client) -> None:
    assert (await door.post("/api/session", json={"conversation": 7})).status == 400


def told(token: str) -> dict[str, object]:
    """What the agent is told when it is sent into the room."""
    agents = claims(token)["roomConfig"]["agents"]  # type: ignore[index]
    return json.loads(agents[0]["metadata"])


@pytest.mark.parametrize(
    ("wanted", "attribute"), [({}, "on"), ({"documents": True}, "on"), ({"documents": False}, "off")]
)
async def test_the_documents_switch_travels_in_the_token(door: Client, wanted: dict[str, bool], attribute: str) -> None:
    session = await (await door.post("/api/session", json=wanted)).json()
    assert claims(session["token"])["attributes"] == {"landline.documents": attribute}


async def test_livekit_is_named_by_the_host_the_caller_used(door: Client, livekit: FakeLiveKit) -> None:
    port = livekit.url.rsplit(":", 1)[1]
    session = await (await door.post("/api/session", json={}, headers={"Host": "phone.example:8080"})).json()
    assert session["url"] == f"ws://phone.example:{port}"


async def test_a_public_livekit_address_wins(open_door: OpenDoor) -> None:
    door = await open_door(public_livekit_url="https://media.example")
    session = await (await door.post("/api/session", json={})).json()
    assert session["url"] == "wss://media.example"


async def test_a_trusted_proxy_may_say_that_the_page_is_on_tls(open_door: OpenDoor) -> None:
    door = await open_door(trusted_proxies=frozenset({"127.0.0.1"}))
    session = await (await door.post("/api/session", json={}, headers={"X-Forwarded-Proto": "https"})).json()
    assert session["url"].startswith("wss://")


@pytest.mark.parametrize("host", ["user@evil", "a/b", "[::1", "a b"])
async def test_a_host_header_that_is_no_host_is_refused(door: Client, host: str) -> None:
    response = await door.post("/api/session", json={}, headers={"Host": host})
    assert response.status == 400


async def test_without_a_line_to_wait_in_callers_hear_that_lines_are_busy(open_door: OpenDoor) -> None:
    door = await open_door(max_waiting=0)
    answers = await asyncio.gather(*(door.post("/api/session", json={}) for _ in range(3)))
    refused = [answer for answer in answers if answer.status != 200]
    assert [answer.status for answer in refused] == [503]
    assert (await refused[0].json())["error"] == {"code": "lines_busy", "message": "All lines are busy."}
    assert int(refused[0].headers["Retry-After"]) > 0


async def test_running_calls_count_and_other_rooms_do_not(door: Client, livekit: FakeLiveKit) -> None:
    livekit.rooms = {"call-a": 1, "meeting": 1, "call-empty": 0}
    assert (await door.post("/api/session", json={})).status == 200
    livekit.rooms = {"call-a": 1, "call-b": 1}
    assert (await door.post("/api/session", json={})).status == 202


async def test_a_media_server_that_is_away_is_said_plainly(open_door: OpenDoor) -> None:
    door = await open_door(livekit_url=f"ws://127.0.0.1:{unused_port()}")
    response = await door.post("/api/session", json={})
    assert response.status == 503
    assert (await response.json())["error"]["code"] == "livekit_away"


@pytest.mark.parametrize("body", ["{", "[]", '"on"', '{"documents": "yes"}', "\x00"])
async def test_a_malformed_body_is_refused(door: Client, body: str) -> None:
    response = await door.post("/api/session", data=body, headers={"Content-Type": "application/json"})
    assert response.status == 400
    assert (await response.json())["error"]["code"] == "invalid_request"


async def test_a_form_of_another_site_is_refused(door: Client) -> None:
    assert (await door.post("/api/session", data={"documents": "on"})).status == 400


async def test_a_huge_body_is_refused(door: Client) -> None:
    response = await door.post("/api/session", json={"documents": True, "padding": "x" * 100_000})
    assert response.status == 413
    assert (await response.json())["error"]["code"] == "request_entity_too_large"


async def test_an_address_that_asks_too_often_is_told_when_to_return(open_door: OpenDoor) -> None:
    door = await open_door(sessions_per_minute=1)
    assert (await door.post("/api/session", json={})).status == 200
    response = await door.post("/api/session", json={})
    assert response.status == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60


async def test_refused_callers_use_up_no_line(open_door: OpenDoor) -> None:
    door = await open_door(max_calls=1)
    await door.post("/api/session", data="{", headers={"Content-Type": "application/json"})
    assert (await door.post("/api/session", json={})).status == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/session", 405), ("GET", "/api/nothing", 404)])
async def test_unknown_routes_answer_in_the_same_shape(door: Client, method: str, path: str, status: int) -> None:
    response = await door.request(method, path)
    assert response.status == status
    assert set((await response.json())["error"]) == {"code", "message"}
