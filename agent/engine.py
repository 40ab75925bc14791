"""`landline engine`: put the models of the settings together and serve them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agent.cores import divide
from agent.prompts import read_stock
from agent.settings import STARTER, Settings
from knowledge.embeddings import Embedder
from knowledge.errors import KnowledgeError
from knowledge.index import Index
from knowledge.retriever import Retriever, StockLine
from plugins.errors import ModelError
from plugins.llama.model import LlamaModel
from plugins.piper.model import PiperModel
from plugins.server.app import listening
from plugins.server.capacity import Capacity
from plugins.server.engine import Engine, Knowledge
from plugins.server.slots import ModelSlot
from plugins.whisper.model import Decoding, WhisperModel

Model = TypeVar("Model")


async def run_engine(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises `OSError` if the address is taken."""
    async with listening(build_engine(settings), settings.engine.url):
        await stop.wait()


def build_engine(settings: Settings) -> Engine:
    """Slots for every model of the settings; nothing is loaded yet."""
    models, cores = settings.models, divide(settings.engine.cores)
    embedder = _embedder(settings, threads=cores.embedder)
    return Engine(
        whisper=_slot(
            models.whisper,
            lambda path: WhisperModel(
                path,
                threads=cores.whisper,
                device=settings.engine.whisper_device,
                decoding=Decoding(beam_size=models.whisper_beam),
            ),
        ),
        llama=_slot(
            models.llama,
            lambda path: LlamaModel(
                path,
                threads=cores.llama,
                context_tokens=models.context_tokens,
                slots=models.slots,
                gpu_layers=settings.engine.gpu_layers,
            ),
        ),
        piper=_slot(models.voice, lambda path: PiperModel(path, threads=cores.piper)),
        embedder=embedder,
        knowledge=_knowledge(settings, embedder),
        voice_name=models.voice.name.removesuffix(".onnx"),
        capacity=Capacity(lines=settings.worker.max_calls, target_ms=settings.engine.target_ms),
    )


def _slot(path: Path, load: Callable[[Path], Model]) -> ModelSlot[Model]:
    return ModelSlot(name=path.name, tier=tier(path), load=lambda: load(path))


def tier(path: Path) -> str:
    """`starter` for the repository's own models, `standard` for all others."""
    return "starter" if path.resolve().is_relative_to(STARTER) else "standard"


def _embedder(settings: Settings, *, threads: int) -> ModelSlot[Embedder]:
    path = settings.models.embedder

    def load() -> Embedder:
        try:
            embedder = Embedder(path, threads=threads)
            embedder.load()
        except KnowledgeError as error:
            raise ModelError(str(error)) from error
        return embedder

    return ModelSlot(
        name=path.name if path else "all-MiniLM-L6-v2",
        tier="standard" if path else "starter",
        load=load,
    )


def stock_lines() -> list[StockLine]:
    """The house's own lines, for the retriever."""
    return [StockLine(name=line.name, text=line.text, examples=line.examples) for line in read_stock().values()]


def _knowledge(settings: Settings, embedder: ModelSlot[Embedder]) -> ModelSlot[Knowledge]:
    """The index over the loaded embedder; its slot is filled after the embedder's."""

    def load() -> Retriever:
        vectors = embedder.use()
        try:
            index = Index(settings.knowledge.uri, embedder_name=vectors.name, dim=vectors.dim)
            retriever = Retriever(index, vectors, stock=stock_lines())
            retriever.warm_up(collection=settings.knowledge.collection)
        except KnowledgeError as error:
            raise ModelError(str(error)) from error
        return retriever

    return ModelSlot(name=settings.knowledge.collection, tier=embedder.tier, load=load)
