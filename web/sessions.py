"""POST /api/session: a caller asks to be let in."""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from .errors import DoorError, InvalidRequest
from .keys import CONFIG, LIMITER, LINES
from .limits import BODY_TIMEOUT_S, caller_address
from .origins import public_livekit_url
from .tokens import Credentials, mint_ticket, new_room_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionRequest:
    """What a caller may choose before the call."""

    documents: bool = True


async def create_session(request: web.Request) -> web.Response:
    """POST /api/session {"documents": bool?}: {"url", "room", "token", "models"} for one new call."""
    config = request.app[CONFIG]
    request.app[LIMITER].admit(caller_address(request, trusted_proxies=config.trusted_proxies))
    wanted = await read_session_request(request)
    url = public_livekit_url(config, request)
    room = new_room_name(config.room_prefix)
    await request.app[LINES].reserve(room)
    ticket = mint_ticket(
        Credentials(config.api_key, config.api_secret),
        room=room,
        agent_name=config.agent_name,
        documents=wanted.documents,
    )
    logger.info("call admitted", extra={"call_id": room})
    return web.json_response({"url": url, "room": room, "token": ticket.jwt, "models": await config.models_tier()})


async def read_session_request(request: web.Request) -> SessionRequest:
    """The body, checked. JSON is required, so that no other site's page can ask without this site's consent.

    Raises `InvalidRequest`; aiohttp answers 413 to a body over the application's limit.
    """
    if request.content_type != "application/json":
        raise InvalidRequest("Send JSON with Content-Type: application/json.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body: Any = json.loads(await request.read() or b"{}")
    except TimeoutError as error:
        raise InvalidRequest("The body didn't arrive in time.") from error
    except ValueError as error:
        raise InvalidRequest("The body is no JSON.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    documents = cast(dict[str, object], body).get("documents", True)
    if not isinstance(documents, bool):
        raise InvalidRequest('"documents" must be true or false.')
    return SessionRequest(documents=documents)


def log_refusal(request: web.Request, error: DoorError) -> None:
    """One line per refusal: the route and the code, nothing of the caller."""
    logger.info("refused", extra={"route": request.path, "status": error.status, "code": error.code})
