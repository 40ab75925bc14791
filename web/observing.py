"""Every request to the door: its correlation id, its place in the metrics, its line in the log; and GET /metrics."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from .keys import CONFIG, QUEUE
from .metrics import DURATION, REQUESTS, RUNNING, WAITING, exposed

logger = logging.getLogger(__name__)

ID_HEADER = "X-Request-Id"
REQUEST_ID = web.RequestKey("request_id", str)
UNKNOWN = "unknown"
CANCELLED = "cancelled"
QUIET = ("/", "/admin", "/assets", "/favicon.svg", "/health", "/ready", "/metrics")
"""What browsers and probes only look at is of no interest in a log."""
QUIET_FOLDER = "/admin/api/"

_ID = re.compile(r"[A-Za-z0-9_.:+-]{1,128}")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def observed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know a request by its id, here and in the engine; count it and time it."""
    request[REQUEST_ID] = request_id(request.headers.get(ID_HEADER, ""))
    request.app[CONFIG].correlate(request[REQUEST_ID])
    route, begin_s, status = route_of(request), time.perf_counter(), CANCELLED
    try:
        with RUNNING.labels(route=route).track_inprogress():
            response = await handler(request)
        status = str(response.status)
        return response
    except web.HTTPException as error:
        status = str(error.status)
        raise
    except Exception:
        status = "500"
        request.app[CONFIG].failed("internal")
        raise
    finally:
        _note(request, route, status, time.perf_counter() - begin_s)


def _note(request: web.Request, route: str, status: str, seconds: float) -> None:
    method = request.method if request.method in hdrs.METH_ALL else UNKNOWN
    REQUESTS.labels(route=route, method=method, status=status).inc()
    DURATION.labels(route=route).observe(seconds)
    is_quiet = method in ("GET", "HEAD") and (route in QUIET or route.startswith(QUIET_FOLDER))
    level = logging.DEBUG if is_quiet and not status.startswith("5") else logging.INFO
    facts = {"route": route, "method": method, "status": status, "duration_ms": round(1000 * seconds, 1)}
    logger.log(level, "request answered", extra=facts)


def route_of(request: web.Request) -> str:
    """The pattern of the route that a request goes to; its path may hold anything."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else UNKNOWN


def request_id(given: str) -> str:
    """The sender's own id if it can be one, else a new one."""
    return given if _ID.fullmatch(given) else f"req-{secrets.token_hex(8)}"


async def add_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the sender under which id to ask about this request."""
    if known := request.get(REQUEST_ID):
        response.headers[ID_HEADER] = known


async def show_metrics(request: web.Request) -> web.Response:
    """GET /metrics for Prometheus: the door's and the engine's; `?only=web` leaves the engine's out.

    Where several doors share an engine, it is better asked by itself.
    """
    WAITING.labels(door="voice").set(len(request.app[QUEUE]))
    WAITING.labels(door="phone").set(request.app[CONFIG].waiting_by_phone())
    engines = "" if request.query.get("only") == "web" else await request.app[CONFIG].engine_metrics()
    return web.Response(body=(exposed() + engines).encode(), headers={"Content-Type": CONTENT_TYPE_LATEST})
