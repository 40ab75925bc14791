"""One set of models for each call: every call has an engine and a worker to itself, as is usual elsewhere."""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.probes import engine_is_ready, worker_is_registered
from agent.settings import EngineSettings, Settings, WorkerSettings
from agent.supervisor import Console, Part, Supervisor
from bench.usage import Pid, part

START_S = 240.0


@dataclass(frozen=True)
class ModelSet:
    """An engine and a worker that serve one call at a time under an agent's name of their own."""

    settings: Settings

    @classmethod
    def number(cls, number: int, *, health_port: int) -> "ModelSet":
        """With a socket, a port and a name of its own."""
        settings = Settings()
        settings.engine = EngineSettings(url=f"unix:run/model-sets/{number}.sock")
        settings.worker = WorkerSettings(
            agent_name=f"model-set-{number}", health_port=health_port, max_calls=2, idle_processes=1
        )
        return cls(settings)

    @property
    def agent(self) -> str:
        """The name to call."""
        return self.settings.worker.agent_name

    @property
    def engine_pid(self) -> Pid:
        """The process that holds this set's models."""
        return part("engine", environment=self._environment)

    @property
    def worker_pid(self) -> Pid:
        """The process that takes this set's calls."""
        return part("worker", environment=self._environment)

    def parts(self) -> list[Part]:
        """What the supervisor runs."""
        engine, worker = ((sys.executable, "-m", "agent", name) for name in ("engine", "worker"))
        return [
            Part(f"{self.agent} engine", engine, engine_is_ready(self.settings), self._environment),
            Part(f"{self.agent} worker", worker, worker_is_registered(self.settings), self._environment),
        ]

    @property
    def _environment(self) -> Mapping[str, str]:
        worker = self.settings.worker
        return {
            "ENGINE_URL": self.settings.engine.url,
            "WORKER_AGENT_NAME": worker.agent_name,
            "WORKER_HEALTH_PORT": str(worker.health_port),
            "WORKER_MAX_CALLS": str(worker.max_calls),
            "WORKER_IDLE_PROCESSES": str(worker.idle_processes),
            "LOG_FORMAT": "text",
        }


@asynccontextmanager
async def model_sets(count: int, *, log: Path) -> AsyncGenerator[list[ModelSet]]:
    """`count` sets beside the running LiveKit server, ready for calls. Raises `TimeoutError`."""
    sets = [ModelSet.number(number, health_port=port) for number, port in enumerate(_free_ports(count))]
    parts = [part for one in sets for part in one.parts()]
    with log.open("a") as file:
        supervisor = Supervisor(parts, Console(lambda line: print(line, file=file, flush=True), is_json=False))
        stop = asyncio.Event()
        running = asyncio.create_task(supervisor.run(stop))
        try:
            async with asyncio.timeout(START_S):
                for one in parts:
                    await supervisor.wait_ready(one.name)
            yield sets
        finally:
            stop.set()
            await asyncio.wait([running])


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment, no two the same."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
