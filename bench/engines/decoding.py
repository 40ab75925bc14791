"""The language model's scheduler: its decode rate beside the raw loop's, and how soon a cancelled place is free."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from bench.engines.rawloop import RawLoop
from plugins.llama.cells import Cells
from plugins.llama.context import Context, Logits, Row
from plugins.llama.generation import Generation
from plugins.llama.job import Job
from plugins.llama.loop import DecodeLoop
from plugins.llama.output import Output
from plugins.llama.sampling import Sampler
from plugins.llama.stream import Stream
from plugins.llama.toolcalls import ToolStyle, listener
from plugins.llama.vocabulary import Vocabulary
from plugins.llama.weights import Weights

CALLS = (1, 4, 8, 16)
PROMPT_TOKENS = 8
SLICE_TOKENS = 256
MOST_REPEATS, LEAST_REPEATS = 15, 3
MOST_STEPS, LEAST_STEPS = 96, 6
ROW_BUDGET_S = 4.5
"""Time for one number of calls; a large model gets fewer steps and repeats."""
CANCELS = 15


@dataclass(frozen=True)
class Step:
    """One decode, on `time.perf_counter`: who took part, and with how many tokens in all."""

    begin_s: float
    end_s: float
    sequences: tuple[int, ...]
    tokens: int

    @property
    def calls(self) -> int:
        """Rows in the batch."""
        return len(self.sequences)


@dataclass(frozen=True)
class Rate:
    """Tokens per second of so many calls at once, ours and raw, and what our scheduler adds to a step."""

    calls: int
    ours: float
    raw: float
    efficiency: float
    step_ms: float
    added_us: float


@dataclass(frozen=True)
class Freed:
    """From a cancel to the step in which the place works for somebody else, and the steps computed meanwhile."""

    after_ms: float
    steps: int


class Watched(Context):
    """A context that notes every step."""

    steps: list[Step]

    def decode(self, rows: Sequence[Row]) -> Logits | None:
        begin_s = time.perf_counter()
        logits = super().decode(rows)
        sequences = tuple(row.sequence for row in rows)
        self.steps.append(Step(begin_s, time.perf_counter(), sequences, sum(len(row.tokens) for row in rows)))
        return logits


class Bench:
    """One model file with a context for our loop and one for the raw loop."""

    def __init__(self, path: Path, *, cells: int, threads: int) -> None:
        self._weights = Weights(path)
        self._vocabulary = Vocabulary(self._weights.vocabulary)
        self._vocabulary.ends = frozenset()  # every answer is as long as it is asked to be
        shape = {"cells": cells, "sequences": CALLS[-1] + 1, "batch_tokens": CALLS[-1] + SLICE_TOKENS}
        self._context = Watched(self._weights, **shape, threads=threads)
        self._context.steps = []
        self._raw = RawLoop(self._weights, **shape, threads=threads)

    def close(self) -> None:
        """Free the memory."""
        self._raw.close()
        self._context.close()
        self._weights.close()

    async def rate(self, calls: int) -> Rate:
        """Ours and raw in turns, so that whatever else the machine does meets both."""
        prompts = [self._prompt(number) for number in range(calls)]
        steps = steps_within(ROW_BUDGET_S, step_s=calls / self._raw.tokens_per_s(prompts, steps=2))
        pairs: list[tuple[float, float]] = []
        begin_s, watched = time.perf_counter(), list[Step]()
        while goes_on(len(pairs), time.perf_counter() - begin_s):
            watched = await self._ours(prompts, steps)
            pairs.append((tokens_per_s(watched), self._raw.tokens_per_s(prompts, steps=steps)))
        return Rate(
            calls=calls,
            ours=median(ours for ours, _ in pairs),
            raw=median(raw for _, raw in pairs),
            efficiency=median(ours / raw for ours, raw in pairs),
            step_ms=1e3 * median(step.end_s - step.begin_s for step in watched),
            added_us=1e6 * median(pauses_s(watched)),
        )

    async def cancel(self, *, slots: int = 8) -> list[Freed]:
        """Cancel one answer after the other while every place is taken and somebody waits for one."""
        loop, numbers = self._loop(slots), count()

        def ask() -> Job:
            loop.submit(job := self._job(self._prompt(next(numbers)), self._context.cells // slots // 2))
            return job

        running = deque([ask() for _ in range(slots)])
        loop.start()
        freed: list[Freed] = []
        with closing(loop):
            for job in running:
                await anext(job.stream)
            for _ in range(CANCELS):
                heir, victim = ask(), running.popleft()
                while not loop.load().waiting:  # noqa: ASYNC110 -- the loop's thread sets no event
                    await asyncio.sleep(0)
                assert victim.sequence
                place, at_s = victim.sequence.number, time.perf_counter()
                victim.stream.cancel()
                await anext(heir.stream)
                running.append(heir)
                freed.append(freed_after(self._context.steps, place=place, at_s=at_s))
        return freed

    async def _ours(self, prompts: Sequence[list[int]], steps: int) -> list[Step]:
        """The steps in which every call wrote one token, with readers on this event loop as in the engine."""
        loop = self._loop(CALLS[-1])
        jobs = [self._job(prompt, steps + 1) for prompt in prompts]
        for job in jobs:
            loop.submit(job)
        with closing(loop):
            loop.start()
            await asyncio.gather(*[_read(job.stream) for job in jobs])
        return [step for step in self._context.steps if step.calls == step.tokens == len(prompts)]

    def _loop(self, slots: int) -> DecodeLoop:
        self._context.clear()
        self._context.steps.clear()
        cells = Cells(self._context, slots=slots, partial=True, shelf_bytes=0)
        return DecodeLoop(self._context, self._vocabulary, cells, slice_tokens=SLICE_TOKENS)

    def _job(self, tokens: list[int], answer_tokens: int) -> Job:
        generation = Generation(messages=[{"role": "user", "content": ""}], max_tokens=answer_tokens)
        return Job(
            generation=generation,
            stream=Stream(),
            tokens=list(tokens),
            prompt_tokens=len(tokens),
            limit=len(tokens) + answer_tokens,
            sampler=Sampler(generation, vocabulary=self._vocabulary, grammar=None),
            output=Output(stops=(), listener=listener(ToolStyle.HERMES, ())),
        )

    def _prompt(self, number: int) -> list[int]:
        """Ordinary tokens, another beginning for every number."""
        return [(31 * number + 7 * at) % (self._vocabulary.size // 2) for at in range(PROMPT_TOKENS)]


async def _read(stream: Stream) -> None:
    async for _ in stream:
        pass


def steps_within(budget_s: float, *, step_s: float) -> int:
    """Steps of a run, so that all repeats of both loops take about `budget_s`."""
    return max(LEAST_STEPS, min(MOST_STEPS, int(budget_s / (2 * MOST_REPEATS * step_s))))


def goes_on(repeats: int, spent_s: float) -> bool:
    """Whether to measure once more."""
    return repeats < LEAST_REPEATS or (repeats < MOST_REPEATS and spent_s < ROW_BUDGET_S)


def tokens_per_s(steps: Sequence[Step]) -> float:
    """The rate from the end of the first step on: a whole round each, with everything between two steps in it."""
    return sum(step.tokens for step in steps[1:]) / (steps[-1].end_s - steps[0].end_s)


def pauses_s(steps: Sequence[Step]) -> list[float]:
    """Time between the end of each step and the beginning of the next."""
    return [after.begin_s - before.end_s for before, after in zip(steps, steps[1:], strict=False)]


def freed_after(steps: Sequence[Step], *, place: int, at_s: float) -> Freed:
    """What became of a place that was cancelled at `at_s` and that somebody waited for.

    Its heir is told by his prompt: a step that reads more tokens than it has rows.
    """
    since = [step for step in steps if step.end_s > at_s]
    for passed, step in enumerate(since):
        if step.begin_s > at_s and place in step.sequences and step.tokens > step.calls:
            return Freed(after_ms=1e3 * (step.begin_s - at_s), steps=passed)
    raise ValueError("nobody took the place")
