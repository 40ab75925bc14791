"""Simultaneous calls in processes of their own, so that the callers' work is not counted as the agent's.

`python -m bench callers --agent NAME --agent NAME` holds one call with each agent named. It makes its speech first,
prints `GREETED` when every caller was greeted, talks once a line comes in, prints a `Talk` as JSON, and hangs up at
the next line. `calling` runs such processes: among few callers the first has LiveKit's whole client (`agent/caller`),
which costs more than answering it; all others are light ones (`bench/light`), and what he hears is told apart.
"""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import TypeAdapter

from agent.caller.conversation import Caller
from agent.caller.errors import CallFailed
from agent.caller.line import RATE_HZ
from agent.caller.report import TurnReport
from agent.caller.script import Patience
from agent.caller.ticket import Ticket, mint_ticket
from agent.caller.voice import speech
from agent.settings import Settings
from bench.heard import QUESTIONS, keys, latencies

GREETED = "greeted"
CALLS_PER_PROCESS = 8
COMPARED_CALLS = 2
"""Up to so many, one of them has LiveKit's whole client: what it hears stands beside what a light one does."""
STAGGER_S = 0.5
"""Between two callers' joining."""
CYCLE_S = 6.0
"""About one question with its answer: the first questions are spread over it."""
PATIENCE = Patience(agent_s=20.0, answer_s=8.0, longest_answer_s=20.0)
GREETED_WITHIN_S = 120.0
TALKED_WITHIN_S = PATIENCE.answer_s + PATIENCE.longest_answer_s + 30.0
"""After the last question was begun."""
HANG_UP_WITHIN_S = 20.0
LONGEST_LINE_BYTES = 2**24


@dataclass(frozen=True)
class Talk:
    """What came of the talking."""

    turns: list[TurnReport] = field(default_factory=list[TurnReport])
    failed_calls: int = 0
    """Calls that no agent came to, or none that greeted."""
    delays_ms: list[int] = field(default_factory=list[int])
    """How late each microphone frame was sent."""
    whole_ms: list[float] = field(default_factory=list[float])
    """The heard latencies, among those of `turns`, of the caller with the whole client."""

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.turns + other.turns,
            self.failed_calls + other.failed_calls,
            self.delays_ms + other.delays_ms,
            self.whole_ms + other.whole_ms,
        )


TALK_JSON = TypeAdapter(Talk)


@dataclass(frozen=True)
class Share:
    """Some of a row's callers: `first` to `first + len(agents) - 1` of `total`."""

    agents: Sequence[str]
    first: int
    total: int
    is_light: bool = False

    def number(self, place: int) -> int:
        """Which of all callers the one at `place` is."""
        return self.first + place


def shares(agents: Sequence[str], *, most: int = CALLS_PER_PROCESS, comparing: bool = True) -> list[Share]:
    """The callers of each process: light ones.

    When `comparing`, the first has the whole client where that is no load to speak of.
    """
    total, whole = len(agents), agents[:1] if comparing and len(agents) <= COMPARED_CALLS else ()
    light = range(len(whole), total, most)
    return [
        *(Share([one], 0, total) for one in whole),
        *(Share(agents[first : first + most], first, total, is_light=True) for first in light),
    ]


def rotated(pool: Sequence[str], *, number: int, total: int) -> list[str]:
    """The pool as caller `number` of `total` goes through it: each begins at another place."""
    start = number * len(pool) // total
    return [*pool[start:], *pool[:start]]


class Delays(Protocol):
    """A microphone that knows how late it was."""

    delays_s: list[float]


class AnyCaller(Protocol):
    """A caller of either kind."""

    @property
    def mouth(self) -> Delays: ...
    async def hear_greeting(self) -> object: ...
    async def say(self, audio: Any, *, text: str) -> TurnReport: ...


class Group:
    """The calls of this process: `join`, `talk`, then leave, as a context manager."""

    def __init__(self, settings: Settings, share: Share) -> None:
        self._share = share
        self._pool = QUESTIONS.read_text().splitlines()
        self._sounds = {question: self._sound(question) for question in self._pool}
        self._tickets = [mint_ticket(keys(settings), agent_name=agent) for agent in share.agents]
        self._callers: dict[int, AnyCaller] = {}
        self._leaving = AsyncExitStack()

    def _sound(self, question: str) -> Any:
        audio = speech(question, sample_rate_hz=RATE_HZ)
        if not self._share.is_light:
            return audio
        from bench.light.opus import encoded

        return encoded(audio)

    async def _call(self, ticket: Ticket) -> AnyCaller:
        if not self._share.is_light:
            return await self._leaving.enter_async_context(Caller(ticket, patience=PATIENCE))
        from bench.light.caller import LightCaller

        return await self._leaving.enter_async_context(LightCaller(ticket, patience=PATIENCE))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leaving.aclose()

    async def join(self) -> None:
        """One caller after the other, each until it was greeted."""
        await asyncio.gather(*(self._join(place, ticket) for place, ticket in enumerate(self._tickets)))

    async def _join(self, place: int, ticket: Ticket) -> None:
        number = self._share.number(place)
        await asyncio.sleep(number * STAGGER_S)
        with suppress(CallFailed, TimeoutError):
            caller = await self._call(ticket)
            if await caller.hear_greeting():
                self._callers[number] = caller

    async def talk(self, *, seconds: float) -> Talk:
        """Everybody asks question after question; none is begun after `seconds`."""
        end_s = asyncio.get_running_loop().time() + seconds
        sent = {number: len(caller.mouth.delays_s) for number, caller in self._callers.items()}
        calls = await asyncio.gather(*(self._ask(number, end_s=end_s) for number in self._callers))
        delays_s = [late for number, caller in self._callers.items() for late in caller.mouth.delays_s[sent[number] :]]
        turns = [turn for turns in calls for turn in turns]
        return Talk(
            turns=turns,
            failed_calls=len(self._tickets) - len(self._callers),
            delays_ms=[round(late * 1000) for late in delays_s],
            whole_ms=[] if self._share.is_light else latencies(turns),
        )

    async def _ask(self, number: int, *, end_s: float) -> list[TurnReport]:
        caller, total = self._callers[number], self._share.total
        questions = cycle(rotated(self._pool, number=number, total=total))
        await asyncio.sleep(number / total * CYCLE_S)
        turns: list[TurnReport] = []
        while asyncio.get_running_loop().time() < end_s:
            question = next(questions)
            turns.append(await caller.say(self._sounds[question], text=question))
        return turns


async def serve(settings: Settings, share: Share, *, seconds: float) -> None:
    """Hold the calls as standard input says."""
    async with Group(settings, share) as group:
        await group.join()
        print(GREETED, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(TALK_JSON.dump_json(await group.talk(seconds=seconds)).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


class CallersProcess:
    """One process of callers, seen from outside."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid

    async def greeted(self) -> None:
        """Wait until every caller was greeted, or has given up."""
        async with asyncio.timeout(GREETED_WITHIN_S):
            while await self._line() != GREETED:
                pass

    async def talk(self, *, seconds: float) -> Talk:
        """Let them talk for as long as they were told at their start. Afterwards they stay in their calls."""
        self._wave()
        async with asyncio.timeout(seconds + TALKED_WITHIN_S):
            return TALK_JSON.validate_json(await self._line())

    def _wave(self) -> None:
        assert self._process.stdin
        self._process.stdin.write(b"\n")

    async def _line(self) -> str:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of callers ended before its time; the log says why")
        return line.decode().strip()

    async def hang_up(self) -> None:
        """End every call, and the process."""
        self._wave()
        try:
            async with asyncio.timeout(HANG_UP_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Callers:
    """All callers of a row."""

    def __init__(self, processes: Sequence[CallersProcess], *, seconds: float) -> None:
        self._processes = processes
        self._seconds = seconds
        self.pids = {process.pid for process in processes}

    async def greeted(self) -> None:
        """Wait until every caller was greeted, or has given up."""
        await asyncio.gather(*(process.greeted() for process in self._processes))

    async def talk(self) -> Talk:
        """Let everybody talk at the same time; what came of it, together."""
        talks = await asyncio.gather(*(process.talk(seconds=self._seconds) for process in self._processes))
        return sum(talks, Talk())


@asynccontextmanager
async def calling(
    agents: Sequence[str], *, seconds: float, log: Path, comparing: bool = True
) -> AsyncGenerator[Callers]:
    """Callers who call each of `agents` at once; what they complain about goes to `log`.

    Unless `comparing`, all are light: what they cost this machine is hardly more than what a distant caller would.
    """
    processes: list[CallersProcess] = []
    try:
        for share in shares(agents, comparing=comparing):
            processes.append(CallersProcess(await _start(share, seconds=seconds, log=log)))
        yield Callers(processes, seconds=seconds)
    finally:
        await asyncio.gather(*(process.hang_up() for process in processes))


async def _start(share: Share, *, seconds: float, log: Path) -> Process:
    place = ["--first", str(share.first), "--total", str(share.total), "--seconds", str(seconds)]
    place += ["--light"] if share.is_light else []
    names = (word for agent in share.agents for word in ("--agent", agent))
    with log.open("a") as errors:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench", "callers", *place, *names),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LONGEST_LINE_BYTES,
        )
