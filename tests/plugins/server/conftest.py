"""An engine with hand-written models, served on a real Unix socket to a real client."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.client import EngineClient
from plugins.errors import EngineError, InvalidRequest
from plugins.llama.model import Delta, Generation, Load, Stream, ToolCall, Usage
from plugins.piper.model import Speech, Word
from plugins.server.app import listening
from plugins.server.engine import Engine
from plugins.server.slots import ModelSlot
from plugins.whisper.model import Transcript, Utterance


class Whisper:
    """Hears one word for each second of audio, in any language but Klingon. `gate` holds decodes up."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.decoded_s: list[float] = []

    def check_language(self, language: str | None) -> None:
        if language == "tlh":
            raise InvalidRequest("language: this Whisper does not know 'tlh'")

    def decode(self, batch: Sequence[Utterance]) -> list[Transcript]:
        for utterance in batch:
            self.check_language(utterance.language)
        self.entered.set()
        self.gate.wait()
        return [self._hear(utterance) for utterance in batch]

    def _hear(self, utterance: Utterance) -> Transcript:
        seconds = utterance.audio.size / 16_000
        self.decoded_s.append(seconds)
        text = " ".join(f"word{number}" for number in range(int(seconds)))
        return Transcript(text, (), utterance.language or "en", 0.9, 0.0, bool(text))


class Llama:
    """Answers every prompt with the deltas it was given."""

    def __init__(self) -> None:
        self.reading_rate = 1000.0
        self.asked: list[Generation] = []
        self.streams: list[Stream] = []
        self.released: list[str] = []
        self.answer: list[Delta | EngineError] = [
            Delta(text="Hello "),
            Delta(text="there."),
            Delta(finish_reason="stop", usage=Usage(7, 2, 3)),
        ]

    def generate(self, generation: Generation) -> Stream:
        self.asked.append(generation)
        stream = Stream()
        for item in self.answer:
            stream.put(item)
        self.streams.append(stream)
        return stream

    def load(self) -> Load:
        return Load(0, 0, 0, 0, 0, 0, 0, 0)

    def release(self, call_id: str) -> None:
        self.released.append(call_id)

    def close(self) -> None:
        return


class Piper:
    """Speaks a tenth of a second of silence for each word, one word at a time. `gate` holds clauses up."""

    sample_rate_hz = 16_000

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.spoken: list[str] = []

    def clauses(self, text: str) -> list[str]:
        return text.split()

    def speak(self, clause: str, *, speed: float = 1.0) -> Iterator[Speech]:
        self.entered.set()
        self.gate.wait()
        self.spoken.append(clause)
        yield Speech(np.zeros(int(1600 / speed), np.int16), (Word(clause, 0.0, 0.1),), clause)


class Embedder:
    """Two dimensions: queries point one way, passages the other."""

    name = "compass"
    dim = 2

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1.0, 0.0]] * len(texts), np.float32)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[0.0, 1.0]] * len(texts), np.float32)


@dataclass(frozen=True)
class Found:
    query: str
    documents: bool
    within: tuple[str, str, str]


@dataclass(frozen=True)
class Document:
    doc_id: str
    collection: str


class Knowledge:
    """Finds nothing. `batches` are the questions that were searched together; a search waits for `gate`."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def documents(self, collection: str) -> list[Document]:
        return [Document("d1", collection)]

    def question(self, query: str, *, k: int, collection: str, title: str, source: str, documents: bool) -> Found:
        return Found(query, documents, (collection, title, source))

    def search_all(self, wanted: Sequence[Found]) -> Sequence[Found]:
        self.batches.append([one.query for one in wanted])
        self.entered.set()
        self.gate.wait()
        if any(one.query == "broken" for one in wanted):
            raise EngineError("this question cannot be searched")
        return wanted


@dataclass
class Bench:
    """The engine under test, its models, and a client that is connected to it."""

    whisper: Whisper = field(default_factory=Whisper)
    llama: Llama = field(default_factory=Llama)
    piper: Piper = field(default_factory=Piper)
    knowledge: Knowledge = field(default_factory=Knowledge)
    engine: Engine = field(init=False)
    client: EngineClient = field(init=False)


def slot(model: Any, name: str = "test") -> ModelSlot[Any]:
    return ModelSlot(name=name, tier="starter", load=lambda: model)


def build(bench: Bench, **slots: ModelSlot[Any]) -> Engine:
    models: dict[str, ModelSlot[Any]] = {
        "whisper": slot(bench.whisper),
        "llama": slot(bench.llama, "tiny.gguf"),
        "piper": slot(bench.piper),
        "embedder": slot(Embedder()),
        "knowledge": slot(bench.knowledge),
    }
    return Engine(**(models | slots))


Serve = Callable[..., Any]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A ready engine."""
    made = Bench()
    made.engine = build(made)
    url = f"unix:{tmp_path}/engine.sock"
    async with listening(made.engine, url), EngineClient(url) as made.client:
        await settled(made.engine)
        yield made
        for model in (made.whisper, made.piper, made.knowledge):
            model.gate.set()  # a test that failed may have left it closed


async def settled(engine: Engine) -> None:
    """Until every model is loaded or has failed."""
    assert engine.loading
    await engine.loading


def tool_call() -> ToolCall:
    return ToolCall("call_1", "transfer", '{"to": "desk"}')
