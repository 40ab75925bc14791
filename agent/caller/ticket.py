"""Getting into a room: from the web door like any browser, or minted here by whoever holds the keys."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from livekit.api import AccessToken, VideoGrants
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from agent.caller.errors import CallFailed, LinesBusy, NoServer

DOOR_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Ticket:
    """The right to join one room: LiveKit's WebSocket address, the room's name and a token.

    `conversation` is what a later call goes on with; empty where conversations are not kept.
    """

    url: str
    room: str
    token: str
    conversation: str = ""


@dataclass(frozen=True)
class Keys:
    """A LiveKit server's address and API key."""

    url: str
    api_key: str
    api_secret: str


@dataclass(frozen=True)
class InLine:
    """A place among the callers who wait for a line; `ticket` is what the door knows it by."""

    ticket: str
    place: int


async def ask_for_ticket(
    base_url: str,
    *,
    documents: bool = True,
    conversation: str = "",
    wait_s: float = 0.0,
    on_place: Callable[[int], None] | None = None,
) -> Ticket:
    """POST /api/session at the web door, waiting in line up to `wait_s`; `on_place` is told each place.

    With `conversation`, the id from an earlier ticket, the call goes on with that conversation.

    Raises `NoServer`, `LinesBusy`, or `CallFailed` with the door's words.
    """
    address = base_url.rstrip("/") + "/api/session"
    timeout = aiohttp.ClientTimeout(total=DOOR_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http:
            return await _admission(Door(http, address, documents, conversation), wait_s=wait_s, on_place=on_place)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NoServer(
            f"nothing answers at {base_url} ({error or type(error).__name__}); `landline up` starts the server"
        ) from error


async def _admission(door: "Door", *, wait_s: float, on_place: Callable[[int], None] | None) -> Ticket:
    clock = asyncio.get_running_loop().time
    end_s, place = clock() + wait_s, None
    try:
        while isinstance(answer := await door.ask(place), InLine):
            if on_place and (place is None or answer.place != place.place):
                on_place(answer.place)
            place = answer
            if clock() >= end_s:
                raise LinesBusy(f"All lines are busy; you would be number {place.place} in line.")
        place = None
        return answer
    finally:
        if place:
            await door.leave(place)


@dataclass(frozen=True)
class Door:
    """The web door's sessions, over one connection."""

    http: aiohttp.ClientSession
    address: str
    documents: bool
    conversation: str = ""

    async def ask(self, place: InLine | None) -> Ticket | InLine:
        """A call or a place in line; for whoever has one, once that changes or some seconds have passed."""
        body: dict[str, object] = {"documents": self.documents}
        body |= {"place": place.place} if place else {}
        body |= {"conversation": self.conversation} if self.conversation else {}
        url = f"{self.address}/{place.ticket}" if place else self.address
        async with self.http.post(url, json=body) as response:
            return await _read_ticket(response, self.address)

    async def leave(self, place: InLine) -> None:
        """Give a place up."""
        async with self.http.delete(f"{self.address}/{place.ticket}"):
            return


async def _read_ticket(response: aiohttp.ClientResponse, address: str) -> Ticket | InLine:
    try:
        body = await response.json()
        if response.status == 200:
            url, room, token = body["url"], body["room"], body["token"]
            return Ticket(url=url, room=room, token=token, conversation=body.get("conversation") or "")
        if response.status == 202:
            return InLine(ticket=body["ticket"], place=body["place"])
        code, message = body["error"]["code"], body["error"]["message"]
    except (aiohttp.ContentTypeError, ValueError, KeyError, TypeError) as error:
        raise CallFailed(f"{address} answered {response.status}, but not like Landline's web door") from error
    raise LinesBusy(message) if code == "lines_busy" else CallFailed(message)


def mint_ticket(keys: Keys, *, agent_name: str, documents: bool = True, lifetime_s: int = 600) -> Ticket:
    """A ticket to a new room with the agent dispatched to it; nothing is sent anywhere yet."""
    room = f"call-{secrets.token_hex(6)}"
    token = (
        AccessToken(keys.api_key, keys.api_secret)
        .with_identity(f"caller-{secrets.token_hex(4)}")
        .with_ttl(timedelta(seconds=lifetime_s))
        .with_attributes({"landline.documents": "on" if documents else "off"})
        .with_grants(VideoGrants(room_join=True, room=room, can_update_own_metadata=True))
        .with_room_config(RoomConfiguration(agents=[RoomAgentDispatch(agent_name=agent_name)]))
    )
    return Ticket(url=keys.url, room=room, token=token.to_jwt())
