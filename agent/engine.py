"""`landline engine`: put the models of the settings together and serve them."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agent.cores import divide
from agent.devices import Device, place
from agent.index import index_of
from agent.prompts import read_stock
from agent.retrieving import EngineRetriever
from agent.settings import EMBEDDERS, STARTER, OutsideLlmSettings, Settings
from agent.upkeep import reembed_with
from agent.vectors import EmbeddingModel
from knowledge.embeddings import Embedder
from knowledge.errors import KnowledgeError, NoSuchDevice
from knowledge.report import Step
from knowledge.reranking import Reranker
from knowledge.retrieval import StockLine
from plugins.errors import DeviceMissing, ModelError
from plugins.llama.model import LlamaModel
from plugins.outside.model import OutsideModel, Server
from plugins.piper.model import PiperModel
from plugins.server.answers import Answers
from plugins.server.app import listening
from plugins.server.capacity import Capacity
from plugins.server.engine import Engine, Knowledge
from plugins.server.slots import ModelSlot
from plugins.whisper.model import Decoding, WhisperModel

Model = TypeVar("Model")

logger = logging.getLogger(__name__)


async def run_engine(settings: Settings, stop: asyncio.Event, *, engine: Engine | None = None) -> None:
    """Serve the models of the settings until `stop` is set. Raises `OSError` if the address is taken."""
    async with listening(engine or build_engine(settings), settings.engine.url):
        await stop.wait()


def build_engine(
    settings: Settings,
    *,
    whisper: Callable[..., WhisperModel] = WhisperModel,
    llama: Callable[..., LlamaModel] = LlamaModel,
) -> Engine:
    """Slots for every model of the settings; nothing is loaded yet."""
    models, cores, devices = settings.models, divide(settings.engine.cores), place(settings.engine)
    embedder = _embedder(settings, threads=cores.embedder, device=devices.embedder)
    return Engine(
        whisper=_slot(
            models.whisper,
            lambda path: whisper(
                path,
                threads=cores.whisper,
                device=devices.whisper,
                decoding=Decoding(beam_size=models.whisper_beam),
            ),
        ),
        llama=_slot(
            models.llama,
            lambda path: llama(
                path,
                threads=cores.llama,
                context_tokens=models.context_tokens,
                slots=models.slots,
                gpu_layers=0 if devices.llama == "cpu" else settings.engine.gpu_layers,
                shelf_bytes=models.kv_host_mb * 2**20,
            ),
        ),
        piper=_slot(models.voice, lambda path: PiperModel(path, threads=cores.piper, device=devices.voice)),
        embedder=embedder,
        knowledge=_knowledge(settings, embedder),
        voice_name=models.voice.name.removesuffix(".onnx"),
        answers=Answers(settings.answer.cache),
        outside=_outside(settings.outside_llm),
        capacity=Capacity(
            lines=settings.worker.max_calls, target_ms=settings.engine.target_ms, cores=os.cpu_count() or 1
        ),
    )


def _outside(settings: OutsideLlmSettings) -> OutsideModel | None:
    if not settings.url:
        return None
    key, url = settings.key.get_secret_value(), settings.url.rstrip("/")
    server = Server(url=url, model=settings.model, key=key, first_token_s=settings.first_token_s)
    return OutsideModel(server)


def _slot(path: Path, load: Callable[[Path], Model]) -> ModelSlot[Model]:
    return ModelSlot(name=path.name, tier=tier(path), load=lambda: load(path))


def tier(path: Path) -> str:
    """`starter` for the repository's own models, `standard` for all others."""
    return "starter" if path.resolve().is_relative_to(STARTER) else "standard"


def _embedder(settings: Settings, *, threads: int, device: Device) -> ModelSlot[Embedder]:
    path = settings.models.embedder

    def load() -> Embedder:
        try:
            embedder = Embedder(path, threads=threads, device=device, copies=EMBEDDERS)
            embedder.load()
        except NoSuchDevice as error:
            raise DeviceMissing("embedder", device, str(error)) from error
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

    def load() -> EngineRetriever:
        vectors = embedder.use()
        try:
            index = index_of(settings, embedder=vectors.name, dim=vectors.dim)
            if index.is_outdated() and index.made_with() == (vectors.name, vectors.dim):
                _rebuild(settings, vectors)
            reranker = Reranker(settings.knowledge.reranker) if settings.knowledge.reranker else None
            retriever = EngineRetriever(index, vectors, stock=stock_lines(), reranker=reranker)
            retriever.warm_up(collection=settings.knowledge.collection)
        except KnowledgeError as error:
            raise ModelError(str(error)) from error
        return retriever

    return ModelSlot(name=settings.knowledge.collection, tier=embedder.tier, load=load)


def _rebuild(settings: Settings, embedder: Embedder) -> None:
    """The index that an older version of this program wrote becomes one of this version, from what is in it."""
    logger.info("the index was written by an older version and is rebuilt from what is in it")
    model = EmbeddingModel(embedder.name, embedder.dim, embedder.embed_passages)
    reembed_with(model, settings, progress=_log_tenth)


def _log_tenth(step: Step) -> None:
    if 10 * step.done // step.total > 10 * (step.done - 1) // step.total:
        logger.info("%d of %d documents are rebuilt", step.done, step.total)
