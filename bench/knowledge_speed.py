"""How long a search takes in a large collection, asked of the engine while it serves a call, and what its index misses.

The engine, the call's process and whoever asks share this machine's cores; the caller is a light one. No
question is asked twice.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.machine import running_machine
from agent.settings import Settings, load, steer_libraries
from bench.callers import Talk, calling
from bench.knowledge_large import Large, number_of
from knowledge.embeddings import Embedder, Embeds
from knowledge.index import Index
from knowledge.scope import Scope
from knowledge.store import Vectors
from plugins.client import EngineClient

LOG = Path("run/bench.log")
COLLECTIONS = Path("run/bench-knowledge")
CHUNKS = 100_000
WARM_UP = 10
"""Searches before the first that counts."""
PAUSE_S = 0.1
"""Between a search and the next."""
TALKING_S = 20.0
NEAREST = 5


@dataclass(frozen=True)
class Speed:
    """`times_ms` of whole searches through the engine's door; `index_recall` of the nearest chunks, 0..1."""

    times_ms: Sequence[float]
    index_recall: float


def measure(index: Index, *, like: str, questions: Sequence[str], embedder: Embedder, chunks: int) -> Speed:
    """Search for `questions` in `chunks` chunks made of what is in the collection `like` of `index`."""
    large = Large(chunks, *index.all_sentences(like))
    folder = made(large, embedder, below=COLLECTIONS)
    recall = index_recall(_opened(folder, embedder), large.chunk_vectors(), embedder.embed_queries(questions))
    steer_libraries({"KNOWLEDGE_URI": str(folder)})
    try:
        times_ms = asyncio.run(_times_ms(load(), questions))
    finally:
        steer_libraries({"KNOWLEDGE_URI": None})
    return Speed(times_ms, recall)


def made(large: Large, embedder: Embeds, *, below: Path) -> Path:
    """The folder of the collection's index: the one of an earlier run, or a new one in the place of all others."""
    folder = below / large.digest
    if not folder.exists():
        shutil.rmtree(below, ignore_errors=True)
        draft = folder.with_suffix(".part")
        large.fill(_opened(draft, embedder))
        draft.rename(folder)
    return folder


def _opened(folder: Path, embedder: Embeds) -> Index:
    return Index(folder, embedder.name, embedder.dim)


def index_recall(index: Index, chunks: Vectors, questions: Vectors) -> float:
    """The share of the chunks nearest to each question, found by looking at all, that the index finds too."""
    found = 0
    for products, vector in zip(questions @ chunks.T, questions, strict=True):
        nearest = set(np.argpartition(-products, NEAREST)[:NEAREST].tolist())
        through_index = index.nearest_chunks(vector, Scope(), limit=NEAREST)
        found += len(nearest & {number_of(chunk.row.chunk_id) for chunk in through_index})
    return found / (NEAREST * len(questions))


async def _times_ms(settings: Settings, questions: Sequence[str]) -> list[float]:
    """Of one search after the other, while one caller asks aloud."""
    async with (
        running_machine(settings, log=LOG),
        calling([settings.worker.agent_name], seconds=TALKING_S, log=LOG, comparing=False) as callers,
        EngineClient(settings.engine.url) as engine,
    ):
        await callers.greeted()
        talking = asyncio.create_task(callers.talk())
        times_ms = [await _timed_ms(engine, question) async for question in _while(talking, questions)]
        talk = await talking
    if talk.failed_calls or len(times_ms) <= WARM_UP:
        raise RuntimeError(f"nothing was searched beside a call; {LOG} says why")
    return times_ms[WARM_UP:]


async def _while(talking: asyncio.Task[Talk], questions: Sequence[str]) -> AsyncGenerator[str]:
    """One question after the other, for as long as the caller talks."""
    for question in questions:
        await asyncio.sleep(PAUSE_S)
        if talking.done():
            return
        yield question


async def _timed_ms(engine: EngineClient, question: str) -> float:
    begun_s = time.perf_counter()
    await engine.retrieve(question)
    return (time.perf_counter() - begun_s) * 1000
