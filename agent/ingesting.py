"""Documents into the index: through the running engine's embedder, or one of our own where no engine runs."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.settings import EMBEDDERS, ROOT, Settings
from knowledge.embeddings import Embedder
from knowledge.index import Index
from knowledge.ingest import LOCK_WAIT_S, Embed, Report, Step, ingest
from knowledge.store import Vectors
from plugins.client import EngineClient
from plugins.errors import EngineBusy, EngineError, EngineUnavailable

DEMO = ROOT / "knowledge" / "demo"
BATCH = 16
"""Texts at a time: callers' questions get their turn in between."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Ingested:
    """What went in, and how many demo documents made room for it."""

    report: Report
    demo_removed: int


@dataclass(frozen=True)
class _Vectors:
    """An embedding model wherever it runs: its name, its dimension, and the function that embeds passages."""

    name: str
    dim: int
    embed: Embed


async def ingest_documents(
    settings: Settings, paths: Sequence[Path], *, collection: str = "", progress: Progress
) -> Ingested:
    """Bring the index in line with `paths`. The demo documents leave once there are others in their collection.

    Raises `KnowledgeError`, or `EngineError` if the engine fails in the middle.
    """
    collection = collection or settings.knowledge.collection
    async with EngineClient(settings.engine.url) as engine:
        vectors = await _vectors(settings, engine)
        ingested = await asyncio.to_thread(_ingest, settings, paths, collection, vectors, progress)
        with suppress(EngineError):  # a running engine reads in what is new now, so that no caller waits for it
            await engine.retrieve("what is new", collection=collection)
        return ingested


def _ingest(
    settings: Settings, paths: Sequence[Path], collection: str, vectors: _Vectors, progress: Progress
) -> Ingested:
    index = Index(settings.knowledge.uri, embedder_name=vectors.name, dim=vectors.dim)

    def show(step: Step) -> None:
        progress(step.done, step.total)

    report = ingest(
        paths,
        index,
        vectors.embed,
        collection=collection,
        progress=show,
        max_bytes=settings.knowledge.max_document_mb * 1_000_000,
    )
    return Ingested(report, _make_room(index, collection))


def _make_room(index: Index, collection: str) -> int:
    documents = index.documents(collection)
    demo = [document.doc_id for document in documents if Path(document.origin).is_relative_to(DEMO)]
    if not demo or len(demo) == len(documents):
        return 0
    with index.writing(wait_s=LOCK_WAIT_S):
        index.remove(demo)
    return len(demo)


async def _vectors(settings: Settings, engine: EngineClient) -> _Vectors:
    """The engine's embedder if it answers: it is loaded already."""
    try:
        name, dim = await engine.embedding_model()
    except (EngineUnavailable, EngineBusy):
        own = Embedder(settings.models.embedder, threads=2, copies=EMBEDDERS)
        return _Vectors(own.name, own.dim, own.embed_passages)
    loop = asyncio.get_running_loop()

    def embed(texts: list[str]) -> Vectors:
        rows: list[list[float]] = []
        for batch in _batches(texts):
            rows += asyncio.run_coroutine_threadsafe(engine.embed(batch), loop).result()
        return np.array(rows, np.float32).reshape(len(texts), dim)

    return _Vectors(name, dim, embed)


def _batches(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]
