"""Run the processes of one machine: start in order, show their logs, restart what dies, leave nothing behind."""

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from itertools import groupby

from agent.settings import child_environment

Probe = Callable[[], Awaitable[bool]]

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
"""A process that has lived this long starts again without waiting."""
GRACE_S = 10.0
PROBE_EVERY_S = 0.1
GUARD_EVERY_S = 3.0
MISSES = 4
"""Answers in a row that a part may owe: a machine that is overloaded for a moment is no reason to end its calls."""
PARENT_DEATH_SIGNAL = 1
LONGEST_LINE_BYTES = 2**20
REFUSED = 78
"""Exit code of a process that no restart helps: what it was given cannot be used, as its last line says."""


@dataclass(frozen=True)
class Part:
    """One process to keep alive. `is_ready` is asked again and again until it says yes."""

    name: str
    arguments: tuple[str, ...]
    is_ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    after: tuple[str, ...] = ()
    """Parts that must be ready before this one starts."""
    patience_s: float = 0.0
    """How long it may finish its work once it is told to end, unless it is told to hurry."""
    is_alive: Probe | None = None
    """Asked for as long as it runs, once it was ready: what says no `MISSES` times in a row is killed."""


def pause_before_restart(*, failures: int, lived_s: float) -> float:
    """Seconds to wait before a dead process starts again: doubling, unless it had run steadily."""
    if lived_s >= STEADY_S:
        return 0.0
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** max(0, failures - 1))


def print_line(line: str) -> None:
    """Write to standard output at once."""
    print(line, flush=True)


class Console:
    """Where the parts' lines go: as text with the part's name in front, or as JSON lines.

    Lines that cannot be written are lost, on a full disk or after the reader has gone; calls go on.
    """

    NAME_WIDTH = 8

    def __init__(self, write: Callable[[str], None], *, is_json: bool) -> None:
        self._write = write
        self.is_json = is_json

    def show(self, name: str, line: str) -> None:
        """Write one line of a part."""
        with suppress(OSError):
            self._write(self._shown(name, line))

    def _shown(self, name: str, line: str) -> str:
        if not self.is_json:
            return f"{name:<{self.NAME_WIDTH}} │ {line}"
        if line.startswith("{"):
            return line
        return json.dumps({"process": name, "message": line}, ensure_ascii=False)


class Supervisor:
    """Keeps `parts` running between `start` and the end of `run`."""

    def __init__(self, parts: Sequence[Part], console: Console) -> None:
        self._parts = parts
        self._console = console
        self._ready = {part.name: asyncio.Event() for part in parts}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = False

    async def wait_ready(self, name: str) -> None:
        """Return when the part has been ready once."""
        await self._ready[name].wait()

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event | None = None) -> str | None:
        """Start every part, keep it alive until `stop` is set, then end them all, last started first.

        Parts that run the same program end together. Once `hurry` is set nobody's work is waited for. Returns the name
        of a part that refused to start, which ends all others too.
        """
        keepers = [asyncio.create_task(self._keep(part), name=part.name) for part in self._parts]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, *keepers], return_when=asyncio.FIRST_COMPLETED)
        refused = next((keeper.get_name() for keeper in keepers if keeper.done()), None)
        self._stopping = True
        for _, group in groupby(reversed(self._parts), key=lambda part: part.arguments):
            await asyncio.gather(*(self._end(part, hurry or asyncio.Event()) for part in group))
        for task in (stopping, *keepers):
            task.cancel()
        await asyncio.gather(stopping, *keepers, return_exceptions=True)
        return refused

    async def _keep(self, part: Part) -> None:
        """Start the part whenever it does not run; returns if it refuses to before it was ever ready."""
        for name in part.after:
            await self._ready[name].wait()
        failures = 0
        while not self._stopping:
            begin = time.monotonic()
            code = await self._run_once(part)
            if self._stopping or (code == REFUSED and not self._ready[part.name].is_set()):
                return
            lived_s = time.monotonic() - begin
            failures = 1 if lived_s >= STEADY_S else failures + 1
            pause_s = pause_before_restart(failures=failures, lived_s=lived_s)
            end = "" if code is None else f"ended {_reason(code)} after {lived_s:.0f} s; "
            self._console.show(part.name, f"{end}starts again in {pause_s:g} s")
            await asyncio.sleep(pause_s)

    async def _run_once(self, part: Part) -> int | None:
        """Its exit code; None if the system could not start it just now."""
        try:
            process, output = await self._start(part)
        except OSError as error:
            self._console.show(part.name, f"cannot be started: {error.strerror} ({part.arguments[0]})")
            is_hopeless = isinstance(error, PermissionError | FileNotFoundError) and not self._ready[part.name].is_set()
            return REFUSED if is_hopeless else None
        self._running[part.name] = process
        watching = asyncio.create_task(self._watch(part, process.pid))
        showing = asyncio.create_task(self._show_output(part.name, output))
        try:
            return await process.wait()
        finally:
            watching.cancel()
            _kill_group(process.pid)  # what it started would keep its sockets, and its end of the pipe
            await asyncio.wait([showing])

    async def _start(self, part: Part) -> tuple[asyncio.subprocess.Process, int]:
        """The process, and the pipe that its output comes from. Raises `OSError`.

        The pipe is our own: asyncio's would make `wait` last until the children close it too.
        """
        with ExitStack() as unread:
            ours, theirs = os.pipe()
            unread.callback(os.close, ours)
            try:
                process = await asyncio.create_subprocess_exec(
                    *part.arguments,
                    env=child_environment(part.environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=theirs,
                    stderr=theirs,
                    start_new_session=True,
                    preexec_fn=_end_with_parent if sys.platform == "linux" else None,
                )
            finally:
                os.close(theirs)
            unread.pop_all()
            return process, ours

    async def _show_output(self, name: str, pipe: int) -> None:
        reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(pipe, "rb"))
        with closing(transport):
            async for line in reader:
                self._console.show(name, line.decode(errors="replace").rstrip())

    async def _watch(self, part: Part, pid: int) -> None:
        begin = time.monotonic()
        while not await part.is_ready():  # noqa: ASYNC110  # another process cannot set an event here
            await asyncio.sleep(PROBE_EVERY_S)
        self._console.show(part.name, f"ready in {time.monotonic() - begin:.1f} s")
        self._ready[part.name].set()
        if part.is_alive:
            await self._until_lifeless(part.is_alive)
            self._console.show(part.name, "no longer works and is killed")
            _kill_group(pid)

    async def _until_lifeless(self, is_alive: Probe) -> None:
        missed = 0
        while missed < MISSES:
            await asyncio.sleep(GUARD_EVERY_S)
            missed = 0 if self._stopping or await is_alive() else missed + 1

    async def _end(self, part: Part, hurry: asyncio.Event) -> None:
        process = self._running.get(part.name)
        if process is None or process.returncode is not None:
            return
        process.terminate()  # it alone: what it started is its own to end
        ended, hurrying = asyncio.create_task(process.wait()), asyncio.create_task(hurry.wait())
        await asyncio.wait({ended, hurrying}, timeout=part.patience_s, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({ended}, timeout=GRACE_S)
        if not ended.done():
            self._console.show(part.name, "did not end in time and is killed")
        _kill_group(process.pid)
        hurrying.cancel()
        await ended


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _reason(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"


def _end_with_parent() -> None:
    """In the child: die with the supervisor, even if that is killed."""
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)
