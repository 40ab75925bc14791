"""`landline knowledge …`: what the commands do, with the index of the settings."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.index import index_as_made, index_of
from agent.settings import Settings
from agent.vectors import embedding_model
from knowledge import backup
from knowledge.catalog import Entry, entries, matching
from knowledge.embeddings import Embedder
from knowledge.errors import KnowledgeError
from knowledge.ingest import LOCK_WAIT_S
from knowledge.reembedding import STAGING, Reembedded, reembed
from knowledge.report import Progress
from knowledge.retriever import Retriever
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


async def search_passages(settings: Settings, question: str, *, collection: str, k: int) -> list[dict[str, Any]]:
    """What a caller's question would find, best first: through the engine, or without where none runs."""
    collection = collection or settings.knowledge.collection
    async with EngineClient(settings.engine.url) as engine:
        try:
            found = await engine.retrieve(question, k=k, collection=collection)
        except (EngineUnavailable, EngineBusy):
            return await asyncio.to_thread(_search_alone, settings, question, collection, k)
    return found["passages"]


def _search_alone(settings: Settings, question: str, collection: str, k: int) -> list[dict[str, Any]]:
    embedder = Embedder(settings.models.embedder, threads=2)
    retriever = Retriever(index_of(settings, embedder=embedder.name, dim=embedder.dim), embedder)
    return [asdict(passage) for passage in retriever.search(question, collection=collection, k=k).passages]


def back_up(settings: Settings, path: Path) -> backup.About:
    """The whole index into one file. Raises `KnowledgeError`."""
    return backup.back_up(index_as_made(settings), path, wait_s=LOCK_WAIT_S)


def restore(settings: Settings, path: Path, *, replace: bool) -> backup.About:
    """A backup into the place of the index. Raises `KnowledgeError`."""

    def opened(about: backup.About) -> Any:
        return index_of(settings, embedder=about.embedder, dim=about.dim)

    return backup.restore(path, opened, replace=replace, wait_s=LOCK_WAIT_S)


async def reembed_all(settings: Settings, *, progress: Progress, should_stop: Callable[[], bool]) -> Reembedded | None:
    """All vectors with the settings' embedding model; None where the index has those already, or is empty."""
    async with EngineClient(settings.engine.url) as engine:
        model = await embedding_model(settings, engine)
        old = await asyncio.to_thread(index_as_made, settings)
        if old.embedder_name in ("", model.name) and old.dim in (1, model.dim):
            return None

        def work() -> Reembedded:
            new, staging = (index_of(settings, embedder=model.name, dim=model.dim, below=b) for b in ("", STAGING))
            return reembed(
                old, new, staging, model.embed, progress=progress, should_stop=should_stop, wait_s=LOCK_WAIT_S
            )

        return await asyncio.to_thread(work)
