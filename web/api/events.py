"""Server-sent events: JSON objects, a comment now and then while nothing comes, and `[DONE]`."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import web

from ..keys import CONFIG
from .errors import ApiError

Json = dict[str, Any]

HEARTBEAT_S = 10.0
"""Proxies close connections on which nothing comes for longer, some after 30 s."""
STALLED_S = 60.0
"""A reader who takes nothing for this long has gone away."""
HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
BEAT = b": waiting\n\n"
DONE = b"data: [DONE]\n\n"


async def reply_in_events(request: web.Request, events: AsyncGenerator[Json]) -> web.StreamResponse:
    """Send `events` as they come, at the reader's pace: the next is asked for when the last was taken.

    What goes wrong before the first of them is raised and gets a status of its own; later it ends the stream as an
    event. A reader who leaves ends `events`, and with them the work behind.
    """
    response = web.StreamResponse(headers=HEADERS)
    with suppress(ConnectionError):
        try:
            async with aclosing(_lines(events)) as lines:
                async for line in lines:
                    await write(request, response, line)
        except ApiError as error:
            if not response.prepared:
                raise
            if error.status >= 500:
                request.app[CONFIG].failed(error.code)
            await write(request, response, _event(error.body()) + DONE)
        await response.write_eof()
    return response


async def write(request: web.Request, response: web.StreamResponse, data: bytes) -> None:
    """Send `data`, waiting while the reader is slower than we are; one who takes nothing at all is dropped.

    Raises `ConnectionError` for a reader who has left.
    """
    if not response.prepared:
        await response.prepare(request)
    try:
        async with asyncio.timeout(STALLED_S):
            await response.write(data)
    except TimeoutError as error:
        if request.transport:
            request.transport.abort()
        raise ConnectionResetError("the reader takes nothing") from error


async def _lines(events: AsyncGenerator[Json]) -> AsyncGenerator[bytes]:
    """Each event as it is written, and a comment for every `HEARTBEAT_S` without one."""
    async with aclosing(events):
        coming = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                await asyncio.wait([coming], timeout=HEARTBEAT_S)
                if not coming.done():
                    yield BEAT
                    continue
                event = coming.result()
                if event is None:
                    break
                yield _event(event)
                coming = asyncio.ensure_future(anext(events, None))
        finally:
            coming.cancel()
            await asyncio.wait([coming])
    yield DONE


def _event(event: Json) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
