"""What callers notice when processes are killed, and whether anything grows over many calls.

A worker is killed in the middle of a conversation, which goes on in another; the engine is killed between a question
and its answer; then come hundreds of short calls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from agent.call_record import CALLS_FOLDER, CallRecords
from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import Ticket, mint_ticket
from agent.machine import running_machine
from agent.probes import answers, engine_is_ready
from agent.settings import Settings
from bench.growth import LIVEKIT, Sample, Watch, growths, memory_growth, processes, settled, short_call, watch
from bench.heard import keys

LOG = Path("run/bench.log")
WORKER_TRIES = 3
PATIENCE_S = 60.0
QUESTION, KEY = "what time is breakfast on weekdays", "7 am"
FOLLOW_UP, FOLLOW_UP_KEY = "and on sundays", "breakfast is served from 8 am"

Figures = dict[str, object]


async def run(settings: Settings, *, calls: int, keep: Callable[[Figures], None]) -> None:
    """Start everything, kill it piece by piece, make the calls and print the tables.

    `keep` is given the figures for `latest.json` as they come, so that a run that is broken off has some too.
    """
    console = Console()
    async with running_machine(settings, log=LOG) as page:
        engine = [await engine_death(settings)]
        workers = [await worker_death(settings) for _ in range(WORKER_TRIES)]
        engine.append(await engine_death(settings))  # not earlier: what dies twice in a row starts again more slowly
        console.print(f"worker killed: the agent is heard again after {_seconds([s for s, _ in workers])}")
        console.print(f"engine killed: the interrupted turn is answered after {_seconds(engine)}")
        found = figures(workers, engine)

        def told(seen: Watch) -> None:
            console.print(_line(seen.samples[-1]))
            keep(found | growth_figures(seen))

        seen = await many_calls(settings, page, calls, told) if calls else Watch()
    keep(found | growth_figures(seen))
    console.print(table(seen.samples))


def figures(workers: Sequence[tuple[float, bool]], engine: Sequence[float]) -> Figures:
    """What goes into `latest.json` of the killed processes: the middle and the longest of the tries."""
    seconds = [one for one, _ in workers]
    return {
        "worker_s": round(median(seconds), 2),
        "worker_longest_s": round(max(seconds), 2),
        "follow_ups_understood": sum(is_understood for _, is_understood in workers) / len(workers),
        "engine_s": round(median(engine), 2),
        "engine_longest_s": round(max(engine), 2),
    }


def growth_figures(seen: Watch) -> Figures:
    """What goes into `latest.json` of the many calls; nothing before there are two samples to compare."""
    samples = seen.samples
    if len(samples) < 2:
        return {}
    return {
        "calls": samples[-1].calls,
        "counted_calls": samples[-1].calls - settled(samples).calls,
        "calls_failed": seen.failed,
        "calls_s": round(samples[-1].at_s),
        "memory_growth": round(memory_growth(samples), 4),
        "settled_private_mb": round(settled(samples).private_mb),
        "growth": {name: asdict(one) for name, one in growths(samples).items()},
    }


async def worker_death(settings: Settings) -> tuple[float, bool]:
    """Seconds from a worker's death to the agent heard again, and whether it then knows what was said before."""
    async with Caller(_ticket(settings)) as caller:
        await caller.hear_greeting()
        await caller.type(QUESTION)
        died_s = asyncio.get_running_loop().time()
        worker_of(caller.ticket.room).kill()
        async with asyncio.timeout(PATIENCE_S):
            heard_s = await caller.ear.sound_after(died_s)
        await caller.silence_of_agent()
        answer = (await caller.type(FOLLOW_UP)).answer
    await _all_workers(settings)
    return heard_s - died_s, FOLLOW_UP_KEY in answer


def worker_of(room: str) -> psutil.Process:
    """The worker that has the call in `room`."""
    record = CallRecords(CALLS_FOLDER).read(room)
    if record is None:
        raise SystemExit(f"the call has no process; {LOG} says why")
    above = psutil.Process(record.process).parents()
    return next(one for one in processes().values() if one in above)


async def engine_death(settings: Settings) -> float:
    """Seconds from the engine's death, just after a question, to the first words of its answer."""
    async with Caller(_ticket(settings)) as caller:
        await caller.hear_greeting()
        await caller.mouth.speak(CallScript([]).audio(Say(QUESTION), sample_rate_hz=RATE_HZ))
        died_s = asyncio.get_running_loop().time()
        processes()["engine"].kill()
        async with asyncio.timeout(PATIENCE_S):
            while not (answered := [one for one in caller.captions.notes.segments if KEY in one.text]):
                await caller.captions.change()
        await caller.silence_of_agent()
    await _until(engine_is_ready(settings))
    return answered[0].began_at_s - died_s


async def many_calls(settings: Settings, page: str, calls: int, told: Callable[[Watch], None]) -> Watch:
    """Short calls."""

    def call(number: int) -> Awaitable[None]:
        return short_call(number, page=page, keys=keys(settings), agent_name=settings.worker.agent_name)

    return await watch(calls, call, told=told)


def _line(sample: Sample) -> str:
    livekit = sample.holdings[LIVEKIT].private_mb if LIVEKIT in sample.holdings else 0
    return f"{sample.calls} calls in {sample.at_s:.0f} s: {sample.private_mb:.0f} MB, LiveKit {livekit:.0f} MB"


def table(samples: Sequence[Sample]) -> Table:
    """What each process held once everything was warm, and at the end."""
    found = Table("process", "private MB", "resident MB", "threads", "files", title="Held after many short calls")
    if not samples:
        return found
    last = samples[-1]
    for name, growth in growths(samples).items():
        before, after = settled(samples, name).holdings[name], last.holdings[name]
        found.add_row(
            name,
            f"{before.private_mb:.0f} → {after.private_mb:.0f} ({growth.memory:+.1%})",
            f"{before.resident_mb:.0f} → {after.resident_mb:.0f}",
            f"{before.threads} → {after.threads}",
            f"{before.files} → {after.files}",
        )
    ours = f"{settled(samples).private_mb:.0f} → {last.private_mb:.0f} ({memory_growth(samples):+.1%})"
    found.add_row("all but livekit", ours)
    return found


async def _all_workers(settings: Settings) -> None:
    for port in settings.worker.health_ports:
        await _until(answers(f"http://127.0.0.1:{port}/health"))


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await is_so():  # noqa: ASYNC110  # another process cannot set an event here
            await asyncio.sleep(0.1)


def _ticket(settings: Settings) -> Ticket:
    return mint_ticket(keys(settings), agent_name=settings.worker.agent_name)


def _seconds(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.1f} s" for value in values)
