"""Getting into a room."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit.api import TokenVerifier

from agent.caller.conversation import refusal
from agent.caller.errors import CallFailed, CallRefused, LinesBusy, NoServer
from agent.caller.ticket import Keys, Ticket, ask_for_ticket, mint_ticket

KEYS = Keys("ws://127.0.0.1:7880", "key", "s" * 32)


@asynccontextmanager
async def door(status: int, body: Any, asked: list[Any] | None = None) -> AsyncIterator[str]:
    """A web door that answers every session request alike."""

    async def answer(request: web.Request) -> web.Response:
        (asked if asked is not None else []).append(await request.json())
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/api/session", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@dataclass
class WaitingDoor:
    """A door with one caller ahead, who has gone when one asks again."""

    address: str = ""
    told: list[int | None] = field(default_factory=list[int | None])
    left: list[str] = field(default_factory=list[str])

    async def answer(self, request: web.Request) -> web.Response:
        self.told.append((await request.json()).get("place"))
        if len(self.told) == 3:
            return web.json_response({"url": "ws://here", "room": "call-1", "token": "t", "models": "starter"})
        return web.json_response({"ticket": "w1", "place": 3 - len(self.told)}, status=202)

    async def leave(self, request: web.Request) -> web.Response:
        self.left.append(request.match_info["ticket"])
        return web.Response(status=204)


@pytest.fixture
async def waiting_door() -> AsyncIterator[WaitingDoor]:
    made = WaitingDoor()
    app = web.Application()
    app.router.add_post("/api/session", made.answer)
    app.router.add_post("/api/session/{ticket}", made.answer)
    app.router.add_delete("/api/session/{ticket}", made.leave)
    async with TestServer(app) as server:
        made.address = str(server.make_url("/"))
        yield made


async def test_the_door_gives_a_ticket() -> None:
    asked: list[Any] = []
    async with door(200, {"url": "ws://here", "room": "call-1", "token": "t", "models": "starter"}, asked) as address:
        assert await ask_for_ticket(address, documents=False) == Ticket("ws://here", "call-1", "t")
    assert asked == [{"documents": False}]


async def test_busy_lines_are_told_in_the_doors_words() -> None:
    busy = {"error": {"code": "lines_busy", "message": "All lines are busy."}}
    async with door(503, busy) as address:
        with pytest.raises(LinesBusy, match="All lines are busy"):
            await ask_for_ticket(address)


async def test_a_caller_who_does_not_wait_is_told_the_place(waiting_door: WaitingDoor) -> None:
    with pytest.raises(LinesBusy, match="number 2 in line"):
        await ask_for_ticket(waiting_door.address)
    assert waiting_door.left == ["w1"]


async def test_a_caller_who_waits_gets_a_ticket_when_the_turn_comes(waiting_door: WaitingDoor) -> None:
    places: list[int] = []
    ticket = await ask_for_ticket(waiting_door.address, wait_s=60, on_place=places.append)
    assert (ticket.room, places) == ("call-1", [2, 1])
    assert waiting_door.told == [None, 2, 1]
    assert waiting_door.left == []


async def test_other_refusals_are_told_too() -> None:
    async with door(429, {"error": {"code": "too_many_requests", "message": "Too many calls."}}) as address:
        with pytest.raises(CallFailed, match="Too many calls"):
            await ask_for_ticket(address)


@pytest.mark.parametrize("body", ["surprise", {}, {"url": "ws://here"}])
async def test_an_address_that_is_no_door_is_recognised(body: Any) -> None:
    async with door(200, body) as address:
        with pytest.raises(CallFailed, match="not like Landline's web door"):
            await ask_for_ticket(address)


async def test_nobody_home_is_said_with_what_to_do() -> None:
    with pytest.raises(NoServer, match="landline up"):
        await ask_for_ticket("http://127.0.0.1:9")


def test_a_minted_ticket_names_caller_room_and_agent() -> None:
    ticket = mint_ticket(KEYS, agent_name="landline", documents=False)
    claims = TokenVerifier(KEYS.api_key, KEYS.api_secret).verify(ticket.token)
    assert claims.video is not None and claims.video.room == ticket.room
    assert claims.attributes == {"landline.documents": "off"}
    assert claims.room_config is not None and claims.room_config.agents[0].agent_name == "landline"
    assert mint_ticket(KEYS, agent_name="landline").room != ticket.room


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        ("401 Unauthorized - invalid token: eyJ0.eyJ1.sig, error: token is expired (exp)", CallRefused, "expired"),
        ("401 Unauthorized - invalid token: eyJ0.eyJ1.sig, error in cryptographic primitive", CallRefused, "secret"),
        ("401 Unauthorized - invalid API key: ", CallRefused, "not from this server"),
        ("IO error: Connection refused (os error 111)", NoServer, "Connection refused"),
    ],
)
def test_livekits_refusals_are_told_in_plain_words(words: str, kind: type[CallFailed], reason: str) -> None:
    error = refusal("ws://here", words)
    assert isinstance(error, kind)
    assert reason in str(error)
    assert "eyJ" not in str(error)
