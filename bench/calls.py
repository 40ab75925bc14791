"""How many simultaneous talking calls one machine carries: heard latency, memory and cores against their number.

The callers have processes of their own (`bench/callers.py`) and say how late they were themselves. Beside what they
heard stands what the engine had predicted for so many calls: admission goes by that. With `--per-call-engines` the same
callers talk, in the same run, to one set of models per call (`bench/model_sets.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from agent.machine import running_machine
from agent.settings import Settings
from bench.callers import calling
from bench.model_sets import ModelSet, model_sets
from bench.rows import OWN, SHARED, Row, figures, is_past_knee, table
from bench.usage import Pid, busiest, family, part, parts, private_mb, snapshot
from plugins.client import EngineClient

SECONDS = 28.0
TARGET_MS = 1200.0
PER_CALL_AT = (1, 2, 4)
LOG = Path("run/bench.log")
SETTLED_S = 1.5
"""Job processes are warm when none has come or gone for this long."""
SETTLE_WITHIN_S = 30.0


@dataclass(frozen=True)
class Fleet:
    """Who answers: an agent's name for each call, and the processes behind them."""

    agents: Sequence[str]
    engines: Sequence[Pid]
    workers: Sequence[Pid]
    livekit: Pid

    def processes(self) -> dict[str, set[Pid]]:
        """Every process by its kind; a worker's job processes are of its kind."""
        return {
            "engine": {pid for engine in self.engines for pid in family(engine)},
            "worker": {pid for worker in self.workers for pid in family(worker)},
            "livekit": family(self.livekit),
        }


FleetFor = Callable[[int], Fleet]
"""Who answers so many calls."""
Predict = Callable[[int], Awaitable[float | None]]
"""The heard latency that the engine expects with so many calls, in milliseconds."""


async def run(
    settings: Settings, *, at: Sequence[int], seconds: float, target_ms: float, with_model_sets: bool
) -> dict[str, object]:
    """Start everything, measure row after row, print the table and return the figures for `latest.json`."""
    columns: dict[str, list[Row]] = {}
    async with running_machine(settings, log=LOG):
        columns[SHARED] = await _rows(
            _shared(settings), at=at, seconds=seconds, target_ms=target_ms, predict=_prediction_of(settings.engine.url)
        )
        if with_model_sets:
            async with model_sets(max(PER_CALL_AT), log=LOG) as sets:
                columns[OWN] = await _rows(_own(sets), at=PER_CALL_AT, seconds=seconds, target_ms=target_ms)
    Console().print(table(columns, target_ms))
    return figures(columns, target_ms)


def _shared(settings: Settings) -> FleetFor:
    engine, workers, livekit = part("engine"), parts("worker"), part("livekit")
    return lambda calls: Fleet([settings.worker.agent_name] * calls, [engine], workers, livekit)


def _own(sets: Sequence[ModelSet]) -> FleetFor:
    livekit = part("livekit")

    def fleet(calls: int) -> Fleet:
        used = sets[:calls]
        engines, workers = [one.engine_pid for one in used], [one.worker_pid for one in used]
        return Fleet([one.agent for one in used], engines, workers, livekit)

    return fleet


def _prediction_of(engine_url: str) -> Predict:
    async def predict(calls: int) -> float | None:
        async with EngineClient(engine_url) as engine:
            return (await engine.capacity(calls=calls))["predicted_ms"]

    return predict


async def _rows(
    fleet_for: FleetFor, *, at: Sequence[int], seconds: float, target_ms: float, predict: Predict | None = None
) -> list[Row]:
    """A row for each number of calls, until the knee is passed."""
    rows: list[Row] = []
    for calls in sorted(at):
        predicted_ms = await predict(calls) if predict else None
        rows.append(await _measure(fleet_for(calls), seconds=seconds, predicted_ms=predicted_ms))
        if is_past_knee(rows, target_ms):
            break
    return rows


async def _measure(fleet: Fleet, *, seconds: float, predicted_ms: float | None) -> Row:
    await _settle(fleet)
    async with calling(fleet.agents, seconds=seconds, log=LOG) as callers:
        await callers.greeted()
        await _settle(fleet)
        processes = fleet.processes() | {"callers": callers.pids}
        before = snapshot(processes)
        talk = await callers.talk()
        used = snapshot(processes).since(before)
        jobs = busiest(used, among=processes["worker"].difference(fleet.workers), count=len(fleet.agents))
        return Row.of(
            len(fleet.agents),
            talk,
            cores={kind: sum(used.get(pid, 0.0) for pid in pids) for kind, pids in processes.items()},
            private_mb=private_mb([*fleet.engines, *jobs]),
            predicted_ms=predicted_ms,
        )


async def _settle(fleet: Fleet) -> None:
    """Wait until the job processes of earlier calls are gone and those for the next calls are warm."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_WITHIN_S):
            before = None
            while before != (now := fleet.processes()["worker"]):
                before = now
                await asyncio.sleep(SETTLED_S)
