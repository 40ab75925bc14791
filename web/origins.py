"""Where this page is and where its browser finds LiveKit."""

from aiohttp import web
from yarl import URL

from .addresses import is_trusted
from .config import WebConfig
from .errors import InvalidRequest

WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
HTTP_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def public_livekit_url(config: WebConfig, request: web.Request) -> str:
    """The WebSocket address of LiveKit as the caller's browser reaches it, without a trailing slash.

    Raises `InvalidRequest` when it has to be derived and the Host header is no host.
    """
    if config.public_livekit_url is not None:
        return _with_scheme(URL(config.public_livekit_url), WEBSOCKET_SCHEMES)
    scheme = "wss" if is_secure(config, request) else "ws"
    return _with_scheme(_page_host(request, scheme=scheme).with_port(URL(config.livekit_url).port), WEBSOCKET_SCHEMES)


def _page_host(request: web.Request, *, scheme: str) -> URL:
    try:
        page = URL(f"{scheme}://{request.host}")
        host = URL.build(scheme=scheme, host=page.host or "")
    except ValueError as error:
        raise InvalidRequest("The Host header is no host.") from error
    if not page.host or page.raw_path != "/" or page.user is not None:
        raise InvalidRequest("The Host header is no host.")
    return host


def is_secure(config: WebConfig, request: web.Request) -> bool:
    """Whether the browser came over TLS, here or at a trusted proxy in front."""
    if is_trusted(request.remote, config.trusted_proxies):
        return request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
    return request.secure


def connect_sources(livekit_url: str) -> tuple[str, str]:
    """The origins a page must be allowed to connect to for a call: LiveKit's WebSocket and its HTTP side."""
    origin = URL(livekit_url).origin()
    return _with_scheme(origin, WEBSOCKET_SCHEMES), _with_scheme(origin, HTTP_SCHEMES)


def _with_scheme(url: URL, schemes: dict[str, str]) -> str:
    port = url.port
    return str(url.with_scheme(schemes[url.scheme]).with_port(port)).rstrip("/")
