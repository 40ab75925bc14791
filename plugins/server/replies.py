"""Requests in, replies out: the JSON shapes that every route shares."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from plugins.errors import EngineError, InvalidRequest, Superseded
from plugins.server.keys import ENGINE

Body = TypeVar("Body", bound=BaseModel)
Json = dict[str, Any]
RETRY_AFTER_S = "1"


def error_body(error: EngineError) -> Json:
    """OpenAI's error shape."""
    kind = "invalid_request_error" if error.status == 400 else "server_error"
    return {"error": {"message": str(error), "type": kind, "code": error.code}}


def error_reply(error: EngineError) -> web.Response:
    """An HTTP reply for an error, with Retry-After where waiting helps."""
    headers = {"Retry-After": RETRY_AFTER_S} if error.retryable else {}
    return web.json_response(error_body(error), status=error.status, headers=headers)


@web.middleware
async def errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn engine errors and unknown paths into JSON replies."""
    try:
        return await handler(request)
    except EngineError as error:
        _note(request, error)
        return error_reply(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        body = {"error": {"message": error.reason, "type": "invalid_request_error", "code": "invalid_request"}}
        return web.json_response(body, status=error.status)


def _note(request: web.Request, error: EngineError) -> None:
    """Count an error that a reply states; making room for a newer request is none."""
    if not isinstance(error, Superseded):
        request.app[ENGINE].failed(error.code)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """The request's JSON as `kind`. Raises `InvalidRequest` that names the wrong field."""
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidRequest(f"{place}: {first['msg']}") from error


class EventStream:
    """A reply in server-sent events: JSON objects, then `[DONE]`."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        self.response = web.StreamResponse(headers=headers)

    async def send(self, event: Json) -> None:
        """Write one event, waiting while the reader is slower than we are."""
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write(b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n")

    async def fail(self, error: EngineError) -> web.StreamResponse:
        """End with an error: as a proper status if nothing was sent yet, as an event otherwise."""
        _note(self._request, error)
        if not self.response.prepared:
            return error_reply(error)
        await self.send(error_body(error))
        return await self.finish()

    async def finish(self) -> web.StreamResponse:
        """Write the end mark."""
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write(b"data: [DONE]\n\n")
        await self.response.write_eof()
        return self.response
