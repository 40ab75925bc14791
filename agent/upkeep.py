"""`landline knowledge …`: what the commands do, with the index of the settings."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.index import index_as_made, index_of
from agent.settings import EMBEDDERS, Settings
from agent.vectors import EmbeddingModel, embedding_model
from knowledge import backup
from knowledge.catalog import Entry, entries, matching
from knowledge.embeddings import Embedder
from knowledge.errors import KnowledgeError
from knowledge.ingest import LOCK_WAIT_S
from knowledge.reembedding import STAGING, Reembedded, is_needed, reembed
from knowledge.report import Progress
from knowledge.retriever import Retriever
from knowledge.scope import check_collection
from plugins.client import EngineClient
from plugins.errors import EngineBusy, EngineUnavailable


def find_documents(settings: Settings, words: Sequence[str], *, collection: str = "") -> list[Entry]:
    """The documents that `words` mean, by id, source, path or title; all if there are no words.

    Raises `KnowledgeError` for a word that means none.
    """
    every = entries(index_as_made(settings), collection)
    found = {entry.doc_id: entry for word in words for entry in _meant(every, word)}
    return list(found.values()) if words else every


def _meant(every: Sequence[Entry], word: str) -> list[Entry]:
    found = matching(every, word)
    if not found:
        raise KnowledgeError(f"No document is called {word!r}; `landline knowledge list` shows all.")
    return found


def remove_documents(settings: Settings, documents: Sequence[Entry]) -> None:
    """Forget these documents. Raises `IndexLocked`."""
    index = index_as_made(settings)
    with index.writing(wait_s=LOCK_WAIT_S):
        index.remove([document.doc_id for document in documents])
        index.optimize()


async def search_passages(
    settings: Settings, question: str, *, k: int, collection: str, title: str, source: str
) -> list[dict[str, Any]]:
    """What a caller's question would find, best first: through the engine, or without where none runs.

    Of the collection only documents of this `title` and from this `source` are searched, if they are named. Raises
    `KnowledgeError` for what cannot be a collection.
    """
    check_collection(collection)
    async with EngineClient(settings.engine.url) as engine:
        try:
            found = await engine.retrieve(question, k=k, collection=collection, title=title, source=source)
        except (EngineUnavailable, EngineBusy):
            alone = await asyncio.to_thread(_retriever_of_our_own, settings)
            retrieval = await asyncio.to_thread(
                alone.search, question, k=k, collection=collection, title=title, source=source
            )
            return [asdict(passage) for passage in retrieval.passages]
    return found["passages"]


def _retriever_of_our_own(settings: Settings) -> Retriever:
    embedder = Embedder(settings.models.embedder, threads=2, copies=EMBEDDERS)
    return Retriever(index_of(settings, embedder=embedder.name, dim=embedder.dim), embedder)


def back_up(settings: Settings, path: Path) -> backup.About:
    """The whole index into one file. Raises `KnowledgeError`."""
    return backup.back_up(index_as_made(settings), path, wait_s=LOCK_WAIT_S)


def restore(settings: Settings, path: Path, *, replace: bool) -> backup.About:
    """A backup into the place of the index. Raises `KnowledgeError`."""

    def opened(about: backup.About) -> Any:
        return index_of(settings, embedder=about.embedder, dim=about.dim)

    return backup.restore(path, opened, replace=replace, wait_s=LOCK_WAIT_S)


async def reembed_all(settings: Settings, *, progress: Progress, should_stop: Callable[[], bool]) -> Reembedded | None:
    """The index with the settings' embedding model, in today's tables; None where that is so, or it is empty."""
    async with EngineClient(settings.engine.url) as engine:
        model = await embedding_model(settings, engine)
        return await asyncio.to_thread(reembed_with, model, settings, progress=progress, should_stop=should_stop)


def reembed_with(
    model: EmbeddingModel, settings: Settings, *, progress: Progress, should_stop: Callable[[], bool] = lambda: False
) -> Reembedded | None:
    """The same with a model at hand. Raises `KnowledgeError`."""
    old = index_as_made(settings)
    if not is_needed(old, model.name, model.dim):
        return None
    new, staging = (index_of(settings, embedder=model.name, dim=model.dim, below=below) for below in ("", STAGING))
    return reembed(old, new, staging, model.embed, progress=progress, should_stop=should_stop, wait_s=LOCK_WAIT_S)
