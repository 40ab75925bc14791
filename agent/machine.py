"""The processes of one machine, put together from the settings: what `landline up` supervises."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from agent import livekit_server
from agent.keys import way_to_owners_page
from agent.probes import answers, engine_is_ready, is_there
from agent.settings import ROOT, Settings
from agent.supervisor import Console, Part, Supervisor, print_line


class PortTaken(Exception):
    """A port that we need belongs to another program; the message names the setting that moves ours."""


class PartRefused(Exception):
    """A process cannot use what the settings give it; its own last line says what, and what to do."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not start as things are; its last line above says why, and the way out")


def parts(settings: Settings, *, folder: Path, log_format: str) -> list[Part]:
    """The processes in the order of their start; LiveKit only where the settings name no outside one."""
    environment = {"LOG_FORMAT": log_format}
    servers = [] if settings.livekit.url else [_livekit(settings, folder)]
    after = tuple(server.name for server in servers)
    has_engine = engine_is_ready(settings)
    return [
        *servers,
        Part("engine", _landline("engine"), has_engine, environment, is_alive=has_engine),
        *(
            _worker(number, port, environment, after, settings.worker.drain_s)
            for number, port in enumerate(settings.worker.health_ports, start=1)
        ),
        _web(settings, environment),
    ]


def _worker(number: int, port: int, environment: Mapping[str, str], after: tuple[str, ...], drain_s: float) -> Part:
    own = {**environment, "WORKER_HEALTH_PORT": str(port)}
    health = f"http://127.0.0.1:{port}/health"
    return _served(f"worker-{number}", _landline("worker"), health, own, after=after, patience_s=drain_s)


def _web(settings: Settings, environment: Mapping[str, str]) -> Part:
    health = f"{settings.page}/health"
    return _served("web", _landline("web"), health, environment, patience_s=settings.web.drain_s)


def _livekit(settings: Settings, folder: Path) -> Part:
    command = livekit_server.command(settings.livekit, folder=folder)
    root = f"http://127.0.0.1:{settings.livekit.port}/"
    return _served("livekit", command.arguments, root, command.environment)


def _served(
    name: str,
    command: tuple[str, ...],
    url: str,
    environment: Mapping[str, str],
    *,
    after: tuple[str, ...] = (),
    patience_s: float = 0.0,
) -> Part:
    """A process that serves `url`: ready once that gives 200, alive while it is answered at all."""
    return Part(name, command, answers(url), environment, after, patience_s, is_there(url))


def _landline(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "agent", command)


def check_ports(settings: Settings) -> None:
    """Raises `PortTaken` for the first port that another program holds."""
    wanted = [("WEB_PORT", settings.web.port), *(("WORKER_HEALTH_PORT", port) for port in settings.worker.health_ports)]
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


def terminal_console(*, is_terminal: bool) -> Console:
    """Standard output: text for people, JSON lines for machines."""
    return Console(print_line, is_json=not is_terminal)


async def run_machine(
    settings: Settings,
    stop: asyncio.Event,
    console: Console,
    *,
    hurry: asyncio.Event | None = None,
    answering: asyncio.Event | None = None,
    members: Sequence[Part] = (),
) -> None:
    """Run everything until `stop` is set; print one line, and set `answering`, when a caller can be answered.

    Running calls may then go on for as long as the settings allow, unless `hurry` is set. `members` are run instead of
    the settings' own `parts`. Raises `PortTaken`, or `PartRefused` once everything has ended again.
    """
    begin = time.monotonic()
    check_ports(settings)
    members = members or parts(settings, folder=Path("run"), log_format="json" if console.is_json else "text")
    supervisor = Supervisor(members, console)

    async def announce() -> None:
        await _until_answering(settings, supervisor, members, console)
        seconds = time.monotonic() - begin
        console.show("landline", f"answers at {settings.page} ({settings.tier} models, ready in {seconds:.1f} s)")
        console.show("landline", f"the owner's page: {way_to_owners_page(settings)}")
        if answering:
            answering.set()

    async with asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(announce())
        refused = await supervisor.run(stop, hurry)
        announcing.cancel()
    if refused:
        raise PartRefused(refused)


@asynccontextmanager
async def running_machine(
    settings: Settings, *, log: Path, patience_s: float = 120.0, members: Sequence[Part] = ()
) -> AsyncGenerator[str]:
    """Everything, or `members`, running in the background with its lines in `log`; gives the page's address.

    Raises `PortTaken` or `PartRefused`, or `TimeoutError` naming the log if nobody is answered within `patience_s`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    stop, hurry, answering = asyncio.Event(), asyncio.Event(), asyncio.Event()
    with log.open("w") as file:
        console = Console(lambda line: print(line, file=file, flush=True), is_json=False)
        running = run_machine(settings, stop, console, hurry=hurry, answering=answering, members=members)
        machine = asyncio.create_task(running)
        waiting = asyncio.create_task(answering.wait())
        try:
            await asyncio.wait([machine, waiting], timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if machine.done():
                machine.result()
            if not answering.is_set():
                raise TimeoutError(f"no caller could be answered within {patience_s:.0f} s; {log} says why")
            yield settings.page
        finally:
            waiting.cancel()
            hurry.set()
            stop.set()
            await asyncio.wait([machine])


async def _until_answering(
    settings: Settings, supervisor: Supervisor, members: Sequence[Part], console: Console
) -> None:
    await supervisor.wait_ready("engine")
    if settings.knowledge.demo and not _has_index(settings):
        await _ingest_demo(console)
    for part in members:
        await supervisor.wait_ready(part.name)


def _has_index(settings: Settings) -> bool:
    """Whether documents ever went in; a folder alone may be left of a look, or of an ingest that found nothing."""
    return "://" in settings.knowledge.uri or any(Path(settings.knowledge.uri).glob("*.lance"))


async def _ingest_demo(console: Console) -> None:
    command = (*_landline("ingest"), str(ROOT / "knowledge" / "demo"))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout
    async for line in process.stdout:
        console.show("landline", line.decode(errors="replace").rstrip())
    await process.wait()
