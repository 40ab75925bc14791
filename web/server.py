"""The door's web application: page, sessions, health. `create_app` composes it, `run` serves it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from .admin import add_admin
from .api.errors import from_http
from .api.routes import add_api, is_api
from .config import Probe, WebConfig
from .cors import add_cors
from .errors import OPENAI_PATHS, DoorError, InvalidRequest, LinesBusy, error_response
from .guard import close_soon, guard, open_gate
from .keys import CONFIG, LIMITS, LINES, QUEUE, ROOMS
from .lines import LIVEKIT_TIMEOUT_S, Lines, LiveKitRooms
from .metrics import REFUSED
from .observing import add_request_id, observed, show_metrics
from .pages import add_pages
from .queue import Queue
from .sessions import ask_again, create_session, leave_line, log_refusal
from .tokens import Credentials

CLOSING_S = 2.0
"""How long requests may take to end once their time is over."""
API_PATHS = ("/api/", "/admin/api/", OPENAI_PATHS)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(config: WebConfig) -> web.Application:
    """The whole door as one application. Opens nothing until it starts."""
    body_bytes = config.guard.longest_body_bytes
    app = web.Application(client_max_size=body_bytes, middlewares=[observed, answer_refusals, guard])
    app[CONFIG] = config
    app[QUEUE] = Queue(capacity=config.max_waiting)
    app[LIMITS] = set()
    app.cleanup_ctx.append(connect_livekit)
    app.cleanup_ctx.append(open_gate)
    app.cleanup_ctx.append(run_services)
    app.router.add_get("/health", show_health)
    app.router.add_get("/ready", show_ready)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_post("/api/session", create_session)
    app.router.add_post("/api/session/{ticket}", ask_again)
    app.router.add_delete("/api/session/{ticket}", leave_line)
    if config.agent:
        add_api(app, config.agent)
    add_pages(app)
    if config.admin:
        add_admin(app, config.admin)
    add_cors(app)
    app.on_response_prepare.append(add_request_id)
    app.on_shutdown.append(close_soon)
    return app


def run(config: WebConfig) -> None:
    """Serve until SIGINT or SIGTERM, then let what is being answered end. Raises `OSError` when the address is taken.

    Whoever leaves in the middle of an answer ends the work on it.
    """
    web.run_app(
        create_app(config),
        host=config.host,
        port=config.port,
        print=None,
        access_log=None,
        keepalive_timeout=config.guard.header_timeout_s,  # what aiohttp also grants a first request's head
        shutdown_timeout=config.drain_s + CLOSING_S,
        handler_cancellation=True,
    )


async def connect_livekit(app: web.Application) -> AsyncIterator[None]:
    """Hold one HTTP session to LiveKit's room API while the application runs."""
    config = app[CONFIG]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIVEKIT_TIMEOUT_S)) as http:
        credentials = Credentials(config.api_key, config.api_secret)
        app[ROOMS] = LiveKitRooms(url=config.livekit_url, credentials=credentials, http=http)
        app[LINES] = Lines(app[ROOMS], capacity=config.max_calls, prefix=config.room_prefix, fitting=config.fitting)
        yield


async def run_services(app: web.Application) -> AsyncIterator[None]:
    """Run what belongs beside the door while the application runs."""
    async with AsyncExitStack() as services:
        for service in app[CONFIG].services:
            await services.enter_async_context(service())
        yield


@web.middleware
async def answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """State every refusal of the API in the same JSON shape."""
    try:
        return await handler(request)
    except DoorError as error:
        log_refusal(request, error)
        if error.status in (429, 503):
            REFUSED.labels(reason=error.code).inc()
        if error.status >= 500 and not isinstance(error, LinesBusy):
            request.app[CONFIG].failed(error.code)
        if request.writer.output_size and request.transport:
            request.transport.abort()  # an answer has begun: it can only be cut off
        return error.response(path=request.path)
    except web.RequestPayloadError:
        message = "The body is not in the chunks or the Content-Encoding that it is announced in."
        return InvalidRequest(message).response(path=request.path)
    except web.HTTPException as error:
        if error.status >= 400 and is_api(request.path):
            return with_allowed(from_http(error).response(), error)
        if not request.path.startswith(API_PATHS) or error.status < 400:
            raise
        code = error.reason.lower().replace(" ", "_")
        message = error.text or error.reason
        return with_allowed(error_response(path=request.path, status=error.status, code=code, message=message), error)


def with_allowed(response: web.Response, error: web.HTTPException) -> web.Response:
    """The refusal of a method names those that there are."""
    if allowed := error.headers.get("Allow"):
        response.headers["Allow"] = allowed
    return response


async def show_health(request: web.Request) -> web.Response:
    """GET /health: this process is alive."""
    return web.json_response({"status": "live"})


async def show_ready(request: web.Request) -> web.Response:
    """GET /ready: 200 when a caller could be answered now, else 503; each check by name."""
    probes: dict[str, Probe] = {"livekit": request.app[ROOMS].reachable, **request.app[CONFIG].probes}
    answers = await asyncio.gather(*(probe() for probe in probes.values()))
    ready = all(answers)
    body = {"status": "ready" if ready else "unready", "checks": dict(zip(probes, answers, strict=True))}
    return web.json_response(body, status=200 if ready else 503)
