"""The whole system for tests: `landline up` on ports of its own, in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.call_record import CALLS_FOLDER, CallRecords
from agent.settings import DEVELOPMENT_KEY, DEVELOPMENT_SECRET, EMBEDDERS, ROOT

START_S = 120.0
STOP_S = 30.0
WORKERS = 2


@dataclass(frozen=True)
class Landline:
    """A running system. `folder` holds its index, its sockets and `up.log`."""

    folder: Path
    base_url: str
    livekit_url: str
    engine_url: str
    supervisor: psutil.Process
    api_key: str = DEVELOPMENT_KEY
    api_secret: str = DEVELOPMENT_SECRET
    agent_name: str = "landline"

    @property
    def log(self) -> str:
        """Everything that the processes have written so far."""
        return (self.folder / "up.log").read_text()

    def process(self, name: str) -> psutil.Process:
        """The supervised process `livekit`, `engine` or `web`, or the first `worker`."""
        for child in self.processes(name):
            return child
        raise LookupError(f"no process {name} runs\n{self.log[-2000:]}")

    def processes(self, name: str) -> list[psutil.Process]:
        """All supervised processes of that name."""
        named = [(child, _words_of(child)) for child in self.supervisor.children()]
        wanted = "livekit-server" if name == "livekit" else name
        return [child for child, words in named if words[-1] == name or words[0].endswith(wanted)]

    def job_of(self, room: str) -> psutil.Process:
        """The job process that has the call in `room`."""
        record = CallRecords(self.folder / CALLS_FOLDER).read(room)
        assert record, f"no call in {room}"
        return psutil.Process(record.process)

    def worker_of(self, room: str) -> psutil.Process:
        """The worker that has the call in `room`."""
        above = self.job_of(room).parents()
        return next(worker for worker in self.processes("worker") if worker in above)

    def kill(self, name: str) -> None:
        """Kill a process outright; the supervisor starts it again."""
        self.process(name).kill()

    def wait_for_line(self, text: str, *, after: int = 0, within_s: float = 60.0) -> None:
        """Until `text` stands in the log past its first `after` characters."""
        end = time.monotonic() + within_s
        while text not in self.log[after:]:
            assert time.monotonic() < end and self.supervisor.is_running(), (
                f"{text!r} did not come:\n{self.log[-4000:]}"
            )
            time.sleep(0.05)


def _words_of(process: psutil.Process) -> list[str]:
    """Its command line; one empty word if it is over."""
    try:
        return process.cmdline() or [""]
    except psutil.NoSuchProcess:  # also what a zombie raises
        return [""]


def free_ports(count: int) -> list[int]:
    """Neighbouring TCP ports that nobody uses at the moment; the first is a multiple of ten."""
    for first in range(18_000, 30_000, 10):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return list(range(first, first + count))
    raise OSError("no free ports")


@contextmanager
def running(folder: Path, *, under: Sequence[str] = (), **settings: str) -> Iterator[Landline]:
    """`landline up` in `folder` until the block ends; then one SIGINT, and nothing may be left of it.

    `under` is the command line of a program that runs it, such as a tracer.
    """
    _share_embedders(folder)
    livekit, _, _, web, *health = free_ports(4 + WORKERS)
    engine_url = f"unix:{folder}/engine.sock"
    environment = os.environ | {
        "LIVEKIT_PORT": str(livekit),
        "WEB_PORT": str(web),
        "WORKER_HEALTH_PORT": str(health[0]),
        "ENGINE_URL": engine_url,
        "KNOWLEDGE_URI": str(folder / "knowledge"),
        "LOG_FORMAT": "text",
        "WEB_SESSIONS_PER_MINUTE": "1000",
        "ENGINE_TARGET_MS": "0",  # a busy machine turns nobody away
        **settings,
    }
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*under, sys.executable, "-m", "agent", "up"],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(Path(__file__).parent.parent)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        supervisor = psutil.Process(process.pid)
        system = Landline(folder, f"http://127.0.0.1:{web}", f"ws://127.0.0.1:{livekit}", engine_url, supervisor)
        try:
            system.wait_for_line("answers at", within_s=START_S)
            yield system
        finally:
            left = _stop(process, supervisor)
    assert not left, f"left behind: {left}"


def _share_embedders(folder: Path) -> None:
    """What every system would make for itself at its first start."""
    ours, shared = folder / EMBEDDERS, ROOT / EMBEDDERS
    if not ours.exists():
        shared.mkdir(parents=True, exist_ok=True)
        ours.parent.mkdir(parents=True, exist_ok=True)
        ours.symlink_to(shared)


def _stop(process: subprocess.Popen[bytes], supervisor: psutil.Process) -> list[psutil.Process]:
    """One SIGINT; what still runs after the grace time is killed and returned."""
    if process.poll() is not None:
        return []
    family = supervisor.children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=3)
    for survivor in alive:
        survivor.kill()
    return alive
