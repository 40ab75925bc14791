"""The engine's routes and its life on a socket."""

import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from plugins.server import chat, hearing, reading, recordings, speech, turns
from plugins.server.engine import Engine
from plugins.server.keys import ENGINE
from plugins.server.metrics import FITTING, QUEUE
from plugins.server.replies import errors_as_json
from plugins.server.watching import list_calls, show_recent, watched

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 4 * 1024 * 1024


def create_app(engine: Engine) -> web.Application:
    """Routes over `engine`; its models begin to load when the application starts."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[watched, errors_as_json])
    app[ENGINE] = engine
    app.add_routes(
        [
            web.get("/health", health),
            web.get("/metrics", metrics),
            web.get("/v1/models", list_models),
            web.get("/v1/audio/voices", speech.list_voices),
            web.get("/v1/audio/stream", hearing.stream_transcripts),
            web.post("/v1/audio/speech", speech.create_speech),
            web.post("/v1/audio/transcriptions", recordings.transcribe),
            web.post("/v1/chat/completions", chat.complete_chat),
            web.delete("/v1/calls/{call_id}", chat.release_call),
            web.post("/v1/embeddings", reading.embed),
            web.post("/v1/turns", turns.count_turn),
            web.post("/v1/turns/lost", turns.count_lost),
            web.post("/v1/errors", turns.count_errors),
            web.get("/v1/capacity", turns.show_capacity),
            web.get("/v1/calls", list_calls),
            web.get("/v1/recent", show_recent),
            web.get("/v1/documents", reading.list_documents),
            web.post("/v1/retrieve", reading.retrieve),
        ]
    )
    app.cleanup_ctx.append(_life)
    return app


async def _life(app: web.Application) -> AsyncIterator[None]:
    engine = app[ENGINE]
    engine.start()
    yield
    await engine.aclose()


async def health(request: web.Request) -> web.Response:
    """GET /health: 200 when every model is ready, else 503 with the same body."""
    engine = request.app[ENGINE]
    models = {name: asdict(slot.health) for name, slot in engine.slots.items()}
    body = {"status": engine.status, "models": models}
    return web.json_response(body, status=200 if engine.status == "ready" else 503)


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics for Prometheus."""
    engine = request.app[ENGINE]
    for model, waiting in engine.waiting.items():
        QUEUE.labels(model=model).set(waiting)
    FITTING.set(engine.capacity.fits(engine.calls))
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def list_models(request: web.Request) -> web.Response:
    """GET /v1/models in OpenAI's shape, with the state of each."""
    slots = request.app[ENGINE].slots
    rows = [
        {"id": slot.name, "object": "model", "owned_by": "landline", "kind": kind, **asdict(slot.health)}
        for kind, slot in slots.items()
    ]
    return web.json_response({"object": "list", "data": rows})


@asynccontextmanager
async def listening(engine: Engine, url: str) -> AsyncGenerator[None]:
    """Serve `engine` at `unix:PATH` or `http://HOST:PORT` for as long as the context lasts.

    A socket file that a dead engine left behind is replaced. Raises `OSError` if the address is taken.
    """
    runner = web.AppRunner(create_app(engine), handler_cancellation=True, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await (await _site(runner, url)).start()
        logger.info("engine listens at %s", url)
        yield
    finally:
        await runner.cleanup()


async def _site(runner: web.AppRunner, url: str) -> web.BaseSite:
    if not url.startswith("unix:"):
        host, _, port = url.removeprefix("http://").rpartition(":")
        return web.TCPSite(runner, host, int(port))
    path = Path(url.removeprefix("unix:"))
    _claim(path)
    return web.UnixSite(runner, str(path))


def _claim(path: Path) -> None:
    """Make room for a socket at `path`: a dead engine's is removed, a living engine's is left alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise OSError(f"another engine already listens at {path}; stop it, or set ENGINE_URL to another place")
    path.unlink(missing_ok=True)
