"""The client page, its files, and the headers that keep a browser strict about them."""

from aiohttp import web

from .errors import InvalidRequest
from .keys import CONFIG
from .origins import connect_sources, public_livekit_url

NOT_BUILT = "The client page isn't built yet: run `npm ci && npm run build` in web/client.\n"
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def add_pages(app: web.Application) -> None:
    """Serve the page at `/` and its files beside it."""
    static_dir = app[CONFIG].static_dir
    app.router.add_get("/", show_page)
    app.router.add_get("/favicon.svg", show_icon)
    if (assets := static_dir / "assets").is_dir():
        app.router.add_static("/assets", assets)
    app.on_response_prepare.append(add_headers)


async def show_page(request: web.Request) -> web.StreamResponse:
    """GET /: the client page."""
    return page_file(request, "index.html")


async def show_icon(request: web.Request) -> web.StreamResponse:
    """GET /favicon.svg"""
    return page_file(request, "favicon.svg")


def page_file(request: web.Request, name: str) -> web.StreamResponse:
    """One of the page's files, or how to build them."""
    path = request.app[CONFIG].static_dir / name
    if not path.is_file():
        return web.Response(status=503, text=NOT_BUILT)
    return web.FileResponse(path)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on everything; caching for ever only for files whose name is their content's hash."""
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = content_security_policy(request)
    response.headers["Cache-Control"] = _cache_control(request, response)
    response.headers["Server"] = "landline"


def content_security_policy(request: web.Request) -> str:
    """Scripts, styles and images from here alone; connections to here and to this call's LiveKit."""
    try:
        sources = connect_sources(public_livekit_url(request.app[CONFIG], request))
    except InvalidRequest:
        sources = ()
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            " ".join(("connect-src 'self'", *sources)),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _cache_control(request: web.Request, response: web.StreamResponse) -> str:
    if request.path.startswith("/assets/") and response.status in (200, 206, 304):
        return "public, max-age=31536000, immutable"
    return "no-cache" if request.path in ("/", "/admin", "/favicon.svg") else "no-store"
