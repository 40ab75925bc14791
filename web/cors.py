"""Which other sites' pages may read our answers: one list for the page, one for the HTTP API, none for admin."""

import re

from aiohttp import web
from yarl import URL

from .config import WebConfig
from .keys import CONFIG

PAGE_API = "/api/session"
CLOSED = ("/admin", "/metrics")
EVERY_ORIGIN = "*"
METHODS = "GET, POST, DELETE"
HEADERS = ("Authorization", "Content-Type")
EXPOSED = "Retry-After, X-Request-Id"
REMEMBERED_S = 600
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def add_cors(app: web.Application) -> None:
    """Name the sites whose pages may read an answer, on every answer."""
    app.on_response_prepare.append(_allow_origin)


async def _allow_origin(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.add("Vary", "Origin")
    if is_allowed(request):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = EXPOSED


def is_preflight(request: web.Request) -> bool:
    """Whether a browser asks what another site's page may do."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def answer_preflight(request: web.Request) -> web.Response:
    """What the asking site's page may send; nothing of it for a site that is not allowed."""
    if not is_allowed(request):
        return web.Response(status=403)
    allowed = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": ", ".join(allowed_headers(request)),
        "Access-Control-Max-Age": str(REMEMBERED_S),
        "Vary": "Access-Control-Request-Headers",
    }
    return web.Response(status=204, headers=allowed)


def allowed_headers(request: web.Request) -> list[str]:
    """The headers that the page asks for, if they are names of headers: clients such as OpenAI's send their own."""
    asked = request.headers.get("Access-Control-Request-Headers", "").split(",")
    return [*HEADERS, *(name for each in asked if HEADER_NAME.fullmatch(name := each.strip()))]


def is_allowed(request: web.Request) -> bool:
    """Whether the page that asks stands on a site that may read answers of this path. Credentials never travel."""
    origins = origins_for(request.path, request.app[CONFIG])
    origin = request.headers.get("Origin")
    return origin is not None and (EVERY_ORIGIN in origins or origin in origins)


def origins_for(path: str, config: WebConfig) -> frozenset[str]:
    """The list that a path goes by."""
    if path.startswith(CLOSED):
        return frozenset()
    return config.guard.page_origins if path.startswith(PAGE_API) else config.guard.api_origins


def is_foreign(request: web.Request) -> bool:
    """Whether a page of another site, which is not allowed, sent this without asking first."""
    origin = request.headers.get("Origin")
    if origin is None or is_allowed(request):
        return False
    try:
        return URL(origin).authority != request.host
    except ValueError:
        return True
