"""`landline worker`: take calls from LiveKit and give each a job process of its own.

Several workers may share a machine; they share its lines, and go on with the calls of one that dies
(`agent/rescue.py`). `GET /health` on loopback says 200 once calls can come, 503 before and while draining.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal

from aiohttp import web
from livekit.agents import AgentServer, JobExecutorType, JobRequest

from agent.call import prewarm, take_call
from agent.call_record import CallRecords
from agent.discretion import be_discreet
from agent.dispatch import read_dispatch
from agent.limit import Limit
from agent.lines import lines_of
from agent.rescue import rescue_calls
from agent.settings import SECTIONS, Settings, steer_libraries

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
START_S = 60.0
"""A busy machine takes its time to start a job process."""
STANDSTILL_MS = 250
"""Shorter ones go unreported."""
LET_GO_EVERY_S = 0.5
RETRIES = 100_000
"""LiveKit may be away for days; who restarts it is not this process's matter."""

Status = Literal["starting", "ready", "draining"]


class Worker:
    """LiveKit's `AgentServer` with our rules for taking calls."""

    def __init__(self, settings: Settings) -> None:
        self.status: Status = "starting"
        self._settings = settings
        self._lines = lines_of(settings.worker)
        self._limit = Limit(lines=settings.worker.max_calls)
        self._registered = asyncio.Event()
        self._server = AgentServer(
            job_executor_type=JobExecutorType.PROCESS,
            ws_url=settings.livekit_url,
            api_key=settings.livekit.api_key,
            api_secret=settings.livekit.api_secret.get_secret_value(),
            host=LOOPBACK,
            port=0,
            http_proxy=None,
            max_retry=RETRIES,
            num_idle_processes=settings.worker.idle_processes,
            initialize_process_timeout=START_S,
            load_threshold=math.inf,
            load_fnc=lambda _: self._lines.load(fitting=self._limit.calls),
            setup_fnc=partial(prewarm, settings=_complete(settings)),
            preload_modules=["agent.call", *(["livekit.plugins.silero"] if settings.turn.vad == "silero" else [])],
            log_level=settings.log.level,
        )
        self._server.rtc_session(take_call, agent_name=settings.worker.agent_name, on_request=self._admit)
        self._server.on("worker_registered", self._on_registered)

    def _on_registered(self, *_: object) -> None:
        if self.status == "starting":
            self.status = "ready"
        self._registered.set()
        logger.info("registered with LiveKit as %s", self._settings.worker.agent_name)

    async def _admit(self, request: JobRequest) -> None:
        if not self._has_room_for(request):
            logger.warning("a call is passed on: all lines are taken", extra={"correlation_id": request.room.name})
            await request.reject(terminate=False)
            return
        await request.accept(
            name="Landline", attributes={"landline.models": self._settings.tier, "landline.mode": self._settings.mode}
        )

    def _has_room_for(self, request: JobRequest) -> bool:
        """Whether the caller gets a line or a place in line. Who comes by phone has no ticket, and is in the room."""
        dispatch = read_dispatch(request.job.metadata)
        if dispatch.is_resumed:  # it has had its line, or its place, all the time
            return True
        admission = self._lines.admit(
            request.room.name,
            fitting=self._limit.newest,
            has_ticket=dispatch.has_ticket,
            conversation=dispatch.conversation,
        )
        return admission != "none"

    async def run(self, stop: asyncio.Event) -> None:
        """Take calls until `stop` is set, let the running ones end, then return."""
        serving = asyncio.create_task(self._server.run(devmode=False))
        stopping = asyncio.create_task(stop.wait())
        following = asyncio.create_task(self._limit.follow(self._settings.engine.url))
        rescuing = asyncio.create_task(self._rescue())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            rescuing.cancel()
            if serving.done():
                serving.result()
                return
            await self._drain()
            await self._server.aclose()
            await serving
        finally:
            for task in (rescuing, stopping, serving, following):
                task.cancel()

    async def _rescue(self) -> None:
        """Look after the machine's callers, once there is somebody who can take them."""
        await self._registered.wait()
        await asyncio.gather(
            self._watch_over(self._lines.calls),
            self._watch_over(self._lines.waiting),
        )

    async def _watch_over(self, records: CallRecords) -> None:
        livekit = self._settings.livekit
        await rescue_calls(
            records,
            url=self._settings.livekit_url,
            key=livekit.api_key,
            secret=livekit.api_secret.get_secret_value(),
            agent_name=self._settings.worker.agent_name,
        )

    async def _drain(self) -> None:
        self.status = "draining"
        drain_s = self._settings.worker.drain_s
        moving = asyncio.create_task(self._let_waiting_go())
        try:
            await self._server.drain(timeout=math.ceil(drain_s))
        except TimeoutError:
            logger.warning("calls that still run after %.0f s are ended", drain_s)
        finally:
            moving.cancel()

    async def _let_waiting_go(self) -> None:
        """Those who wait are for another worker from now on, also those who are only just coming."""
        while True:
            self._lines.let_go(running.job.room.name for running in self._server.active_jobs)
            await asyncio.sleep(LET_GO_EVERY_S)

    def describe(self) -> dict[str, str | int]:
        """What the health check shows."""
        calls = self._lines.taken() if self.status != "starting" else 0
        return {"status": self.status, "calls": calls, "max_calls": self._settings.worker.max_calls}


def _complete(settings: Settings) -> Settings:
    """`settings` with every section read, so that a job process gets the values of this one."""
    for section in SECTIONS:
        getattr(settings, section)
    return settings


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises `OSError` if the health port is taken."""
    stay_local(with_turn_model=settings.turn.detector == "v1-mini")
    watch_loops_rarely()
    be_discreet()
    worker = Worker(settings)
    async with _health(worker, port=settings.worker.health_port):
        await worker.run(stop)


def stay_local(*, with_turn_model: bool) -> None:
    """Switch off, for this process and its jobs, what would make LiveKit's library talk to hosted services.

    The weights of the turn model (255 MB) are loaded once for all jobs if they are used, and not at all otherwise.
    """
    dials_out = ("LIVEKIT_DEV_MODE", "LIVEKIT_REMOTE_EOT_URL", "LIVEKIT_OBSERVABILITY_URL", "LIVEKIT_INFERENCE_URL")
    steer_libraries(dict.fromkeys(dials_out))
    steer_libraries({"LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "1" if with_turn_model else "0"})


def watch_loops_rarely() -> None:
    """Have LiveKit's library report an event loop that stood still for `STANDSTILL_MS`, here and in every job process.

    Looking out for its default of 100 ms wakes each of them, idle ones too, 100 times a second: 0.8 % of a core.
    """
    steer_libraries({"LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS": str(STANDSTILL_MS)})


@asynccontextmanager
async def _health(worker: Worker, *, port: int) -> AsyncGenerator[None]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(worker.describe(), status=200 if worker.status == "ready" else 503)

    app = web.Application()
    app.add_routes([web.get("/", answer), web.get("/health", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield
    finally:
        await runner.cleanup()
