"""Documents into the index: through the running engine's embedder, or one of our own where no engine runs."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.index import index_of, s3_access
from agent.settings import ROOT, Settings
from agent.vectors import EmbeddingModel, embedding_model
from knowledge.index import Index
from knowledge.ingest import LOCK_WAIT_S, ingest
from knowledge.places.folders import is_ignored
from knowledge.places.item import Place
from knowledge.places.patterns import fixed_root
from knowledge.report import Progress, Report
from plugins.client import EngineClient
from plugins.errors import EngineError

DEMO = ROOT / "knowledge" / "demo"


@dataclass(frozen=True)
class Ingested:
    """What went in, and how many demo documents made room for it."""

    report: Report
    demo_removed: int


async def ingest_documents(
    settings: Settings,
    places: Sequence[str | Path | Place],
    *,
    collection: str = "",
    progress: Progress,
    should_stop: Callable[[], bool] = lambda: False,
) -> Ingested:
    """Bring the index in line with `places`. The demo documents leave once there are others in their collection.

    Raises `KnowledgeError`, or `EngineError` if the engine fails in the middle.
    """
    collection = collection or settings.knowledge.collection
    async with EngineClient(settings.engine.url) as engine:
        model = await embedding_model(settings, engine)

        def work() -> Ingested:
            return _ingest(settings, places, collection, model, progress, should_stop)

        ingested = await asyncio.to_thread(work)
        with suppress(EngineError):  # a running engine reads in what is new now, so that no caller waits for it
            await engine.retrieve("what is new", collection=collection)
        return ingested


async def folder_changes(places: Sequence[str | Path], stop: asyncio.Event) -> AsyncGenerator[None]:
    """Once for every time that something changes in these folders and files, until `stop`; bursts count as one."""
    from watchfiles import awatch

    roots = {_watched(Path(place)).resolve() for place in places}

    def counts(_: object, path: str) -> bool:
        below = next((Path(path).relative_to(root) for root in roots if Path(path).is_relative_to(root)), Path())
        return not any(map(is_ignored, below.parts))

    async for _ in awatch(*roots, stop_event=stop, watch_filter=counts):
        yield


async def begun(changes: AsyncGenerator[None]) -> AsyncGenerator[None]:
    """The same changes, watched for from now on: not only once somebody asks for the first."""
    coming = asyncio.ensure_future(anext(changes, over := object()))
    await asyncio.sleep(0)  # with its first step the watch begins

    async def told() -> AsyncGenerator[None]:
        change = await coming
        while change is not over:
            yield
            change = await anext(changes, over)

    return told()


def unwatchable(places: Sequence[str | Path]) -> list[str]:
    """The places that cannot be watched: object stores, web addresses, what does not exist."""
    return [str(place) for place in places if "://" in str(place) or not _watched(Path(place)).is_dir()]


def _watched(path: Path) -> Path:
    """The folder to watch: a file's own, because editors put new files in the place of old ones."""
    root = path if path.exists() else Path(fixed_root(str(path.absolute())) or "/")
    return root if root.is_dir() else root.parent


def _ingest(
    settings: Settings,
    places: Sequence[str | Path | Place],
    collection: str,
    model: EmbeddingModel,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> Ingested:
    index = index_of(settings, embedder=model.name, dim=model.dim)
    report = ingest(
        places,
        index,
        model.embed,
        collection=collection,
        progress=progress,
        max_bytes=settings.knowledge.max_document_mb * 1_000_000,
        s3=s3_access(settings),
        should_stop=should_stop,
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
