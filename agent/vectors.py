"""An embedding model wherever it runs: in the engine, or our own where no engine runs."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.settings import Settings
from knowledge.embeddings import Embedder
from knowledge.preparing import Embed
from knowledge.store import Vectors
from plugins.client import EngineClient
from plugins.errors import EngineBusy, EngineUnavailable

BATCH = 16
"""Texts at a time: callers' questions get their turn in between."""


@dataclass(frozen=True)
class EmbeddingModel:
    """Its name, its dimension, and the function that embeds passages, to be called from another thread."""

    name: str
    dim: int
    embed: Embed


async def embedding_model(settings: Settings, engine: EngineClient) -> EmbeddingModel:
    """The engine's embedder if it answers: it is loaded already. Raises `KnowledgeError` where there is none at all."""
    try:
        name, dim = await engine.embedding_model()
    except (EngineUnavailable, EngineBusy):
        own = Embedder(settings.models.embedder, threads=2)
        return EmbeddingModel(own.name, own.dim, own.embed_passages)
    loop = asyncio.get_running_loop()

    def embed(texts: list[str]) -> Vectors:
        rows: list[list[float]] = []
        for batch in _batches(texts):
            rows += asyncio.run_coroutine_threadsafe(engine.embed(batch), loop).result()
        return np.array(rows, np.float32).reshape(len(texts), dim)

    return EmbeddingModel(name, dim, embed)


def _batches(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]
