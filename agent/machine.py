"""The processes of one machine, put together from the settings: what `landline up` supervises."""

import asyncio
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp

from agent import livekit_server
from agent.settings import ROOT, Settings
from agent.supervisor import Console, Part, Probe, Supervisor
from plugins.client import EngineClient
from plugins.errors import EngineError

DEMO = ROOT / "knowledge" / "demo"
PROBE_TIMEOUT_S = 2.0


class PortTaken(Exception):
    """A port that we need belongs to another program; the message names the setting that moves ours."""


def parts(settings: Settings, *, folder: Path, log_format: str) -> list[Part]:
    """The processes in the order of their start."""
    engine = EngineClient(settings.engine.url)
    environment = {"LOG_FORMAT": log_format}
    own = [
        Part("engine", _landline("engine"), lambda: _engine_is_ready(engine), environment),
        Part("worker", _landline("worker"), _answers(_worker_health(settings)), environment, after=("livekit",)),
        Part("web", _landline("web"), _answers(_page(settings) + "/health"), environment),
    ]
    if settings.livekit.url:
        return [part if part.name != "worker" else _without_livekit(part) for part in own]
    command = livekit_server.command(settings.livekit, folder=folder)
    server = Part(
        "livekit", command.arguments, _answers(f"http://127.0.0.1:{settings.livekit.port}/"), command.environment
    )
    return [server, *own]


def _without_livekit(part: Part) -> Part:
    return Part(part.name, part.arguments, part.is_ready, part.environment)


def _landline(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "agent", command)


def _worker_health(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.worker.health_port}/"


def _page(settings: Settings) -> str:
    host = "127.0.0.1" if settings.web.host in ("0.0.0.0", "::") else settings.web.host
    return f"http://{host}:{settings.web.port}"


def _answers(url: str) -> Probe:
    async def probe() -> bool:
        timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
        with suppress(aiohttp.ClientError, TimeoutError):
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
                return response.status == 200
        return False

    return probe


async def _engine_is_ready(engine: EngineClient) -> bool:
    try:
        return (await engine.health())["status"] == "ready"
    except EngineError:
        return False


def check_ports(settings: Settings) -> None:
    """Raises `PortTaken` for the first port that another program holds."""
    wanted = [("WEB_PORT", settings.web.port), ("WORKER_HEALTH_PORT", settings.worker.health_port)]
    if not settings.livekit.url:
        wanted += [("LIVEKIT_PORT", settings.livekit.port), ("LIVEKIT_PORT", settings.livekit.port + 1)]
    for name, port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise PortTaken(
                    f"port {port} is taken by another program ({error.strerror}). "
                    f"Stop that program (`ss -ltnp 'sport = :{port}'` names it) or set {name} to a free port in .env"
                ) from error


async def run_machine(settings: Settings, stop: asyncio.Event, *, is_terminal: bool) -> None:
    """Run everything until `stop` is set; print one line when a caller can be answered."""
    begin = time.monotonic()
    check_ports(settings)
    members = parts(settings, folder=Path("run"), log_format="text" if is_terminal else "json")
    console = Console(is_json=not is_terminal, width=max(len(part.name) for part in members))
    supervisor = Supervisor(members, console)
    async with asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(_announce(settings, supervisor, members, console, begin))
        await supervisor.run(stop)
        announcing.cancel()


async def _announce(
    settings: Settings, supervisor: Supervisor, members: Sequence[Part], console: Console, begin: float
) -> None:
    await supervisor.wait_ready("engine")
    if settings.knowledge.demo and not Path(settings.knowledge.uri).exists():
        await _ingest_demo(console)
    for part in members:
        await supervisor.wait_ready(part.name)
    seconds = time.monotonic() - begin
    console.show("landline", f"answers at {_page(settings)} ({settings.tier} models, ready in {seconds:.1f} s)")


async def _ingest_demo(console: Console) -> None:
    process = await asyncio.create_subprocess_exec(
        *_landline("ingest"), str(DEMO), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout
    async for line in process.stdout:
        console.show("landline", line.decode(errors="replace").rstrip())
    await process.wait()
