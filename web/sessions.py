"""POST /api/session: a caller asks to be let in, and waits in line where all lines are busy.

The answer is 200 with a room and a token, or 202 with a place in line. Whoever waits asks again at
`/api/session/{ticket}`, saying the place they know: the answer comes as soon as that changes, at the latest after
HOLD_S. DELETE gives the place up.
"""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from .addresses import caller_address, is_this_machine
from .errors import DoorError, InvalidRequest, LinesBusy
from .keys import CONFIG, GATE, LINES, QUEUE
from .origins import public_livekit_url
from .tokens import CallConversation, Credentials, mint_ticket, new_room_name

logger = logging.getLogger(__name__)

HOLD_S = 5.0
LOOK_EVERY_S = 0.5
MAX_ON_THE_WAY = 3
"""Callers of one address who wait for a line or for whom one is held: otherwise one could hold them all."""
ASK_AGAIN_S = 2
"""For clients that do not say which place they know: they are answered at once."""


@dataclass(frozen=True)
class SessionRequest:
    """What a caller may choose before the call, and the place in line that they were told."""

    documents: bool = True
    place: int | None = None
    conversation: str | None = None
    """Id of the conversation to go on with, as an earlier answer gave it."""


async def create_session(request: web.Request) -> web.Response:
    """POST /api/session {"documents": bool?, "conversation": str?}: a new call, or the end of the line."""
    caller = caller_address(request, trusted_proxies=request.app[CONFIG].trusted_proxies)
    await request.app[GATE].session_rate.admit(caller)
    wanted = await read_session_request(request)
    queue = request.app[QUEUE]
    try:
        return await _open_line(request, wanted, caller, ahead=len(queue), waiting=queue.places_of(caller))
    except LinesBusy:
        if not is_this_machine(caller) and on_the_way(request.app, caller) >= MAX_ON_THE_WAY:
            raise
        ticket = queue.join(caller)
        logger.info("a caller waits for a line", extra={"waiting": len(queue)})
        return _in_line(ticket, len(queue))


def on_the_way(app: web.Application, caller: str) -> int:
    """How many callers of this address wait, or have a line that they did not come to yet."""
    return app[QUEUE].places_of(caller) + app[LINES].held_for(caller)


async def ask_again(request: web.Request) -> web.Response:
    """POST /api/session/{ticket} {"documents": bool?, "place": int?}: a call for the first in line, or a place."""
    queue, ticket = request.app[QUEUE], request.match_info["ticket"]
    if queue.place(ticket) is None:
        return await create_session(request)
    wanted = await read_session_request(request)
    clock = asyncio.get_running_loop().time
    held_until = clock() + (HOLD_S if wanted.place else 0.0)
    while place := queue.place(ticket):
        if place == 1:
            with suppress(LinesBusy):
                answer = await _open_line(request, wanted, queue.caller(ticket))
                queue.leave(ticket)
                return answer
        if place != wanted.place or clock() >= held_until or request.transport is None:
            return _in_line(ticket, place)
        await asyncio.sleep(LOOK_EVERY_S)
    raise InvalidRequest("This place in line was given up.")


async def leave_line(request: web.Request) -> web.Response:
    """DELETE /api/session/{ticket}: the caller waits no longer."""
    request.app[QUEUE].leave(request.match_info["ticket"])
    return web.Response(status=204)


async def _open_line(
    request: web.Request, wanted: SessionRequest, caller: str, *, ahead: int = 0, waiting: int = 0
) -> web.Response:
    """{"url", "room", "token", "models", "conversation"} for one new call. Raises `LinesBusy` or `LiveKitAway`."""
    config = request.app[CONFIG]
    url = public_livekit_url(config, request)
    room = new_room_name(config.room_prefix)
    at_most = None if is_this_machine(caller) else MAX_ON_THE_WAY - waiting
    await request.app[LINES].reserve(room, caller=caller, ahead=ahead, at_most=at_most)
    begun = await config.begin_conversation(wanted.conversation)
    ticket = mint_ticket(
        Credentials(config.api_key, config.api_secret),
        room=room,
        agent_name=config.agent_name,
        documents=wanted.documents,
        conversation=CallConversation(begun, goes_on=begun == wanted.conversation) if begun else None,
    )
    logger.info("call admitted", extra={"call_id": room})
    tier = await config.models_tier()
    return web.json_response({"url": url, "room": room, "token": ticket.jwt, "models": tier, "conversation": begun})


def _in_line(ticket: str, place: int) -> web.Response:
    body = {"ticket": ticket, "place": place, "retry_after_s": ASK_AGAIN_S}
    return web.json_response(body, status=202, headers={"Retry-After": str(ASK_AGAIN_S)})


async def read_session_request(request: web.Request) -> SessionRequest:
    """The body, checked. JSON is required, so that no other site's page can ask without this site's consent.

    Raises `InvalidRequest`.
    """
    if request.content_type != "application/json":
        raise InvalidRequest("Send JSON with Content-Type: application/json.")
    try:
        body: Any = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise InvalidRequest("The body is no JSON.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return _checked(cast(dict[str, object], body))


def _checked(body: dict[str, object]) -> SessionRequest:
    documents, place, conversation = body.get("documents", True), body.get("place"), body.get("conversation")
    if not isinstance(documents, bool):
        raise InvalidRequest('"documents" must be true or false.')
    if place is not None and (not isinstance(place, int) or isinstance(place, bool)):
        raise InvalidRequest('"place" must be a whole number.')
    if conversation is not None and not isinstance(conversation, str):
        raise InvalidRequest('"conversation" must be the id that an earlier call gave.')
    return SessionRequest(documents=documents, place=place, conversation=conversation)


def log_refusal(request: web.Request, error: DoorError) -> None:
    """One line per refusal: the route and the code, nothing of the caller."""
    route = request.match_info.route.resource
    logger.info("refused", extra={"route": route and route.canonical, "status": error.status, "code": error.code})
