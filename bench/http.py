"""The HTTP door under many conversations: time to the first token, tokens, errors, and how soon a sentence is spoken.

A hundred conversations ask about the documents, read, and ask again: that is the time to the first token. Nobody asks
what another has asked, so no answer and no vector is known already. Then as many streams of the bare model are open at
once, which is what its rate is measured on.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from agent.machine import running_machine
from agent.settings import Settings
from bench.heard import questions
from bench.questions import mistyped
from bench.results import percentile
from training.llm.evaluate import DEVELOPMENT, read

LOG = Path("run/bench.log")
STREAMS = 100
SECONDS = 40.0
READING_S = (4.0, 8.0)
"""How long somebody reads an answer before they ask again."""
BARE_TOKENS = 160
SPARE = 12
"""Streams of the bare model beyond those counted: a few answers are short and over before the others have begun."""
SENTENCES = 30
GIVES_UP_S = 120.0

Figures = dict[str, object]
Json = dict[str, Any]


@dataclass
class Count:
    """What came of some requests."""

    first_ms: list[float] = field(default_factory=list[float])
    tokens: int = 0
    errors: int = 0
    open: int = 0
    most_open: int = 0

    @contextmanager
    def stream(self) -> Generator[None]:
        """One more stream is open, until the block ends, however it ends."""
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            yield
        finally:
            self.open -= 1


@dataclass(frozen=True)
class Measured:
    """All three parts. `bare_s` is how long the bare model wrote."""

    asked: Count
    bare: Count
    bare_s: float
    spoken_ms: Sequence[float]


async def run(settings: Settings, *, streams: int, seconds: float) -> Figures:
    """Start everything, put it under load, print the table and return the figures for `latest.json`."""
    async with running_machine(settings, log=LOG) as page:
        measured = await measure(page, streams=streams, seconds=seconds)
    result = figures(measured) | {"conversations": streams}
    Console().print(_table(result))
    return result


async def measure(page: str, *, streams: int, seconds: float) -> Measured:
    """Everything, against a door that is open at `page`."""
    timeout = aiohttp.ClientTimeout(total=GIVES_UP_S)
    async with aiohttp.ClientSession(page, connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
        spoken_ms = [await _sentence_ms(http, text) for text in questions(SENTENCES)]
        asked = await _conversations(http, streams=streams, seconds=seconds)
        began_s = time.perf_counter()
        bare = await _bare(http, streams=streams)
        return Measured(asked, bare, time.perf_counter() - began_s, spoken_ms)


async def _conversations(http: aiohttp.ClientSession, *, streams: int, seconds: float) -> Count:
    """People who talk with the agent at the same time, each beginning at a moment of their own."""
    count, end_s, asked = Count(), time.perf_counter() + seconds, cycle(different_questions())
    chance = random.Random(5)
    begins = [chance.uniform(0, READING_S[1]) for _ in range(streams)]
    await asyncio.gather(*(_talk(http, count, begin_s, end_s, asked) for begin_s in begins))
    return count


def different_questions() -> list[str]:
    """Guests' questions, answered in the documents or not, as they are asked and with slips of the finger."""
    asked = [row["question"] for path in (DEVELOPMENT.demo, DEVELOPMENT.silent) for row in read(path)]
    texts = list(dict.fromkeys([*asked, *map(mistyped, asked), *(f"please tell me {text}" for text in asked)]))
    random.Random(5).shuffle(texts)
    return texts


async def _talk(http: aiohttp.ClientSession, count: Count, begin_s: float, end_s: float, asked: Iterator[str]) -> None:
    """One conversation: all that was said goes with every question, as OpenAI's clients do it."""
    messages: list[Json] = []
    chance = random.Random(begin_s)
    await asyncio.sleep(begin_s)
    while time.perf_counter() < end_s:
        question = {"role": "user", "content": next(asked)}
        answer = await _stream(http, count, {"messages": [*messages, question], "documents": True})
        messages += [question, {"role": "assistant", "content": answer}]
        await asyncio.sleep(chance.uniform(*READING_S))


async def _bare(http: aiohttp.ClientSession, *, streams: int) -> Count:
    """As many long answers of the bare model at once."""
    count = Count()
    bodies = [
        {"messages": [{"role": "user", "content": text}], "documents": False, "max_tokens": BARE_TOKENS}
        for text in questions(streams + SPARE)
    ]
    await asyncio.gather(*(_stream(http, count, body) for body in bodies))
    return count


async def _stream(http: aiohttp.ClientSession, count: Count, body: Json) -> str:
    """One streamed answer; an error if it did not come to its end."""
    began_s, text, is_whole = time.perf_counter(), "", False
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    try:
        async with http.post("/v1/chat/completions", json=body) as response:
            response.raise_for_status()
            with count.stream():
                async for chunk in _chunks(response):
                    count.tokens += (chunk.get("usage") or {}).get("completion_tokens", 0)
                    delta, finish = _choice(chunk)
                    if delta and not text:
                        count.first_ms.append(1000 * (time.perf_counter() - began_s))
                    text, is_whole = text + delta, is_whole or finish
    except (aiohttp.ClientError, TimeoutError):
        is_whole = False
    count.errors += not (text and is_whole)
    return text


async def _chunks(response: aiohttp.ClientResponse) -> AsyncGenerator[Json]:
    async for line in response.content:
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))


def _choice(chunk: Json) -> tuple[str, bool]:
    """The words of a chunk, and whether they are the last; a chunk that tells an error has none and ends nothing."""
    choice = (chunk.get("choices") or [{}])[0]
    return choice.get("delta", {}).get("content") or "", choice.get("finish_reason") is not None


async def _sentence_ms(http: aiohttp.ClientSession, text: str) -> float:
    """From the request to the last sample of a sentence that was never spoken before."""
    began_s = time.perf_counter()
    body = {"input": f"{text[:1].upper()}{text[1:]}?", "response_format": "pcm", "voice": "alloy"}
    async with http.post("/v1/audio/speech", json=body) as response:
        response.raise_for_status()
        await response.read()
    return 1000 * (time.perf_counter() - began_s)


def figures(measured: Measured) -> Figures:
    """What goes into `latest.json`."""
    asked, bare = measured.asked, measured.bare
    return {
        "streams": bare.most_open,
        "answers": len(asked.first_ms),
        "errors": asked.errors + bare.errors,
        "ttft_p50_ms": round(percentile(asked.first_ms, 0.5)),
        "ttft_p95_ms": round(percentile(asked.first_ms, 0.95)),
        "tokens_per_s": round(bare.tokens / measured.bare_s),
        "bare_ttft_p50_ms": round(percentile(bare.first_ms, 0.5)),
        "bare_ttft_p95_ms": round(percentile(bare.first_ms, 0.95)),
        "speech_first_sentence_p50_ms": round(percentile(measured.spoken_ms, 0.5)),
        "speech_first_sentence_p95_ms": round(percentile(measured.spoken_ms, 0.95)),
    }


def _table(result: Figures) -> Table:
    table = Table("figure", "", title="The HTTP door")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), str(value))
    return table
