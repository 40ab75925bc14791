"""Every request to the engine: whose it is, how it ended, and what the owner may see of calls and errors."""

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from plugins.correlation import adopt, door
from plugins.server.keys import ENGINE
from plugins.server.metrics import REQUESTS

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CANCELLED = "cancelled"
UNKNOWN = "unknown"
HUNG_UP = 499


@web.middleware
async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take over the sender's correlation id, count the request, and log it where no call does."""
    adopt(request.headers)
    begin_s, status = time.perf_counter(), CANCELLED
    try:
        response = await handler(request)
        status = str(response.status)
        return response
    except Exception as error:
        if isinstance(error, ConnectionError) and _has_hung_up(request):
            return web.Response(status=HUNG_UP)
        status = "500"
        request.app[ENGINE].failed("internal")
        raise
    finally:
        resource = request.match_info.route.resource
        route = resource.canonical if resource else UNKNOWN
        REQUESTS.labels(route=route, status=status).inc()
        duration_ms = round(1000 * (time.perf_counter() - begin_s), 1)
        level = logging.INFO if door.get() == "http" or status == "500" else logging.DEBUG
        logger.log(level, "served", extra={"route": route, "status": status, "duration_ms": duration_ms})


def _has_hung_up(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def list_calls(request: web.Request) -> web.Response:
    """GET /v1/calls: the calls that run now, each with the stages of its newest turns."""
    return web.json_response({"calls": request.app[ENGINE].live.described(now_s=time.time())})


async def show_recent(request: web.Request) -> web.Response:
    """GET /v1/recent: turns, times and errors of the last hours, minute by minute."""
    return web.json_response(request.app[ENGINE].recent.described(now_s=time.time()))
