"""Many short calls, and what the processes of the machine hold after them: nothing may grow.

LiveKit keeps every participant for a minute, however short its call, and its garbage a while longer. So what it holds
rises with the calls of the last minutes; it is shown by itself and counted from the third minute on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psutil
from livekit import rtc

from agent.caller.captions import Captions
from agent.caller.conversation import CHAT
from agent.caller.errors import CallFailed
from agent.caller.line import Ear
from agent.caller.ticket import Keys, Ticket, ask_for_ticket, mint_ticket
from bench.usage import parts

CALLS = 500
AT_ONCE = 4
SAMPLE_EVERY = 25
SETTLED_CALLS = 50
"""By then every cache is warm; what comes later is growth."""
SETTLE_S = 1.0
LIVEKIT = "livekit"
LIVEKIT_SETTLED_S = 120.0
PATIENCE_S = 20.0
TYPED = "what does parking cost"
MB = 2**20


@dataclass(frozen=True)
class Holding:
    """What one process of ours holds, with the helpers that it keeps for life."""

    private_mb: float
    resident_mb: float
    threads: int
    files: int


@dataclass(frozen=True)
class Sample:
    """All processes after a number of calls, `at_s` seconds after the first began."""

    calls: int
    at_s: float
    holdings: Mapping[str, Holding]

    @property
    def private_mb(self) -> float:
        """Memory that nobody shares, of our processes together."""
        return sum(one.private_mb for name, one in self.holdings.items() if name != LIVEKIT)


@dataclass(frozen=True)
class Growth:
    """What one process held more at the end than once everything was warm: memory as a share, the others counted."""

    memory: float
    threads: int
    files: int


def settled(samples: Sequence[Sample], name: str = "") -> Sample:
    """The first sample to count from (for the process `name`), or the first at all of a short run."""
    after_s = LIVEKIT_SETTLED_S if name == LIVEKIT else 0.0
    return next((one for one in samples if one.calls >= SETTLED_CALLS and one.at_s >= after_s), samples[0])


def memory_growth(samples: Sequence[Sample]) -> float:
    """Of our processes together: 0.05 means 5 % more than once everything was warm."""
    return samples[-1].private_mb / settled(samples).private_mb - 1


def growths(samples: Sequence[Sample]) -> dict[str, Growth]:
    """The same for each process that was there all the time."""
    last = samples[-1].holdings
    first = {name: settled(samples, name).holdings.get(name) for name in last}
    return {name: growth(before, last[name]) for name, before in first.items() if before}


def growth(first: Holding, last: Holding) -> Growth:
    """From one holding to a later one."""
    return Growth(last.private_mb / first.private_mb - 1, last.threads - first.threads, last.files - first.files)


def processes() -> dict[str, psutil.Process]:
    """The processes that this one supervises, by name; workers are numbered in the order of their start."""
    found = {name: psutil.Process(pid) for name in (LIVEKIT, "engine", "web") for pid in parts(name)}
    workers = enumerate(parts("worker"), start=1)
    return found | {f"worker-{number}": psutil.Process(pid) for number, pid in workers}


def holding(process: psutil.Process) -> Holding:
    """A process and its own children; a worker's jobs are children of those, and come and go with their calls."""
    family = [process, *process.children()]
    memory = [one.memory_full_info() for one in family]
    return Holding(
        private_mb=sum(one.uss for one in memory) / MB,
        resident_mb=sum(one.rss for one in memory) / MB,
        threads=sum(one.num_threads() for one in family),
        files=sum(one.num_fds() for one in family),
    )


@dataclass
class Watch:
    """What was seen while calls were made."""

    samples: list[Sample] = field(default_factory=list[Sample])
    failed: int = 0


async def watch(calls: int, call: Callable[[int], Awaitable[None]], *, told: Callable[[Watch], None]) -> Watch:
    """Make `calls` calls, AT_ONCE at a time; a sample after each SAMPLE_EVERY, of which `told` is told."""
    seen, began_s = Watch(), time.monotonic()
    for first in range(0, calls, SAMPLE_EVERY):
        numbers = range(first, min(calls, first + SAMPLE_EVERY))
        seen.failed += await make(numbers, call)
        await asyncio.sleep(SETTLE_S)
        holdings = {name: holding(one) for name, one in processes().items()}
        seen.samples.append(Sample(numbers.stop, time.monotonic() - began_s, holdings))
        told(seen)
    return seen


async def make(numbers: range, call: Callable[[int], Awaitable[None]]) -> int:
    """The calls with these numbers, AT_ONCE at a time; returns how many failed."""
    left = iter(numbers)

    async def caller() -> int:
        failed = 0
        for number in left:
            try:
                await call(number)
            except (TimeoutError, CallFailed, rtc.ConnectError):
                failed += 1
        return failed

    return sum(await asyncio.gather(*(caller() for _ in range(AT_ONCE))))


async def short_call(number: int, *, page: str, keys: Keys, agent_name: str) -> None:
    """Join, hear the greeting begin, in every second call type a line and read the answer begin, hang up."""
    ticket = await get_in(page, keys, agent_name)
    room, ear = rtc.Room(), Ear()
    captions, listening = Captions(room), set[asyncio.Task[None]]()

    def listen(track: rtc.Track, *_: object) -> None:
        listening.add(asyncio.create_task(ear.listen(track)))

    room.on("track_subscribed", listen)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await room.connect(ticket.url, ticket.token)
            await ear.sound_after(0.0)
            if number % 2:
                await ask(room, captions)
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await captions.aclose()
        await room.disconnect()


async def get_in(page: str, keys: Keys, agent_name: str) -> Ticket:
    """By the door as long as it lets this many callers from one address in, then by the keys."""
    try:
        return await ask_for_ticket(page)
    except CallFailed:
        return mint_ticket(keys, agent_name=agent_name)


async def ask(room: rtc.Room, captions: Captions) -> None:
    """Type a line; returns with the first words of the answer."""
    before = len(captions.notes.segments)
    await room.local_participant.send_text(TYPED, topic=CHAT)
    while len(captions.notes.segments) == before:
        await captions.change()
