"""What the processes under test use: processor time between two moments, and memory that is theirs alone."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

import psutil

Pid = int
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Snapshot:
    """Processor seconds that each process had used at a moment; processes that ended are missing."""

    at_s: float
    cpu_s: Mapping[Pid, float]

    def since(self, before: "Snapshot") -> dict[Pid, float]:
        """Cores that each process has kept busy since `before`; one that is new counts from its start."""
        span_s = self.at_s - before.at_s
        return {pid: (cpu_s - before.cpu_s.get(pid, 0.0)) / span_s for pid, cpu_s in self.cpu_s.items()}


def part(name: str, *, environment: Mapping[str, str] = MappingProxyType({})) -> Pid:
    """The first of `parts`. Raises `LookupError`."""
    if not (found := parts(name, environment=environment)):
        raise LookupError(f"no process {name} runs")
    return found[0]


def parts(name: str, *, environment: Mapping[str, str] = MappingProxyType({})) -> list[Pid]:
    """What this process runs as `python -m agent NAME`, or its livekit-server, with `environment` set."""
    found: list[Pid] = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it may just have died
            words = child.cmdline()
            is_named = words and (words[-1] == name or (name == "livekit" and words[0].endswith("livekit-server")))
            if is_named and environment.items() <= child.environ().items():
                found.append(child.pid)
    return found


def family(pid: Pid) -> set[Pid]:
    """A process and everything that it has started."""
    root = psutil.Process(pid)
    return {pid, *(child.pid for child in root.children(recursive=True))}


def snapshot(processes: Mapping[str, Iterable[Pid]]) -> Snapshot:
    """The processor time that these processes, given by kind, have used up to now."""
    cpu_s: dict[Pid, float] = {}
    for pid in chain.from_iterable(processes.values()):
        with suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            cpu_s[pid] = times.user + times.system
    return Snapshot(time.monotonic(), cpu_s)


def busiest(cores: Mapping[Pid, float], *, among: Iterable[Pid], count: int) -> list[Pid]:
    """The `count` processes that used most; of a worker's job processes, those are the ones with a call."""
    return sorted(cores.keys() & set(among), key=lambda pid: -cores[pid])[:count]


def private_mb(pids: Sequence[Pid]) -> float:
    """Memory that these processes share with nobody, in megabytes."""
    return sum(psutil.Process(pid).memory_full_info().uss for pid in pids) / MEGABYTE
