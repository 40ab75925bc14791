"""The models of one machine behind one door: what the routes work with."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from plugins.llama.model import LlamaModel
from plugins.outside.model import OutsideModel
from plugins.piper.model import PiperModel
from plugins.server.answers import Answers
from plugins.server.capacity import Capacity, Work
from plugins.server.live import Calls, Recent
from plugins.server.metrics import ERRORS, STT_REAL_TIME
from plugins.server.scheduler import Scheduler, apart_on_failure, outcome, run_each
from plugins.server.slots import ModelSlot
from plugins.server.spoken import Repertoire
from plugins.whisper.model import Transcript, Utterance, WhisperModel
from plugins.whisper.transcripts import SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

WHISPER_BATCH = 8
WHISPER_INTERIMS = 2
"""Interims in one batch: more would gain little and keep a final waiting."""
QUESTIONS_AT_ONCE = 8
"""Questions searched together: more would gain little and keep the first of them waiting."""
MEASURE_EVERY_S = 1.0


class Embedding(Protocol):
    """Texts to vectors: float32 [len(texts), dim], each of length 1."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]: ...

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Knowledge(Protocol):
    """Search in the owner's documents. Each result is a dataclass that `dataclasses.asdict` can take."""

    def question(self, query: str, *, k: int, collection: str, title: str, source: str, documents: bool) -> Any: ...

    def search_all(self, wanted: Sequence[Any]) -> Sequence[Any]: ...

    def documents(self, collection: str) -> Sequence[Any]: ...


def processors_busy_s() -> float:
    """How long the machine's processors have been busy, all together; not with what yields to everything else."""
    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)


@dataclass(frozen=True)
class Question:
    """What `Knowledge.question` made: those that wait are searched together."""

    wanted: Any


@dataclass
class Engine:
    """Slots for the models, and a queue for each. `start` loads them in the background; `aclose` frees them.

    `calls` is how many calls hold a transcription socket.
    """

    whisper: ModelSlot[WhisperModel]
    llama: ModelSlot[LlamaModel]
    piper: ModelSlot[PiperModel]
    embedder: ModelSlot[Embedding]
    knowledge: ModelSlot[Knowledge]
    voice_name: str = "starter"
    outside: OutsideModel | None = None
    """Writes the answers instead of `llama`, which then stands in for it."""
    capacity: Capacity = field(default_factory=lambda: Capacity(lines=8, target_ms=0))
    answers: Answers = field(default_factory=Answers)
    calls: int = field(init=False, default=0)
    live: Calls = field(init=False, default_factory=Calls)
    recent: Recent = field(init=False, default_factory=Recent)
    hearing: Scheduler[Callable[[], Utterance], Transcript] = field(init=False)
    """Its requests say when their turn comes what is to be decoded, so that an interim never holds stale audio."""
    speaking: Scheduler[Any, Any] = field(init=False)
    repertoire: Repertoire = field(init=False, default_factory=Repertoire)
    reading: Scheduler[Question | Callable[[], Any], Any] = field(init=False)
    """Its requests are questions to the documents, and functions that embed."""
    _threads: ThreadPoolExecutor = field(init=False)
    loading: asyncio.Task[None] | None = field(init=False, default=None)
    _measuring: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.hearing = Scheduler(
            self._decode, name="whisper", max_batch=WHISPER_BATCH, max_speculative=WHISPER_INTERIMS
        )
        self.speaking = Scheduler(run_each, name="piper")
        self.reading = Scheduler(self._read, name="knowledge", max_batch=QUESTIONS_AT_ONCE)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="load")

    @property
    def slots(self) -> dict[str, ModelSlot[Any]]:
        """Every slot by the name that `/health` uses, in the order in which they are loaded."""
        return {
            "piper": self.piper,
            "whisper": self.whisper,
            "llama": self.llama,
            "embedder": self.embedder,
            "knowledge": self.knowledge,
        }

    @property
    def status(self) -> str:
        """`failed` if nothing works, `degraded` if something does not, `loading`, or `ready`."""
        states = [slot.health.state for slot in self.slots.values()]
        if "loading" in states:
            return "loading"
        if "failed" in states:
            return "degraded" if "ready" in states else "failed"
        return "ready"

    @property
    def waiting(self) -> dict[str, int]:
        """Requests in the queue of each model."""
        llama = self.llama.loaded()
        queues = {"whisper": self.hearing, "piper": self.speaking, "knowledge": self.reading}
        return {name: queue.waiting for name, queue in queues.items()} | {"llama": llama.load().waiting if llama else 0}

    def failed(self, kind: str) -> None:
        """Count a request that could not be fulfilled."""
        ERRORS.labels(kind=kind).inc()
        self.recent.error(kind, now_s=time.time())

    def start(self) -> None:
        """Begin to load; returns at once."""
        self.loading = asyncio.create_task(self._load(), name="load models")
        self._measuring = asyncio.create_task(self._measure(), name="measure calls")

    async def aclose(self) -> None:
        """Stop the queues and free the models."""
        for task in (self.loading, self._measuring):
            if task:
                task.cancel()
                await asyncio.wait([task])
        for queue in (self.hearing, self.speaking, self.reading):
            await queue.aclose()
        if self.outside:
            await self.outside.aclose()
        if llama := self.llama.loaded():
            await asyncio.to_thread(llama.close)
        self._threads.shutdown(wait=False, cancel_futures=True)
        gc.unfreeze()

    async def _load(self) -> None:
        """The embedder's library is slow to import, so it has a thread to itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fill(self.piper, self.whisper, self.llama))
            tasks.create_task(self._fill(self.embedder, self.knowledge))
        gc.freeze()  # half a million objects that stay: searching them for garbage would stop every call for 0.3 s

    async def _fill(self, *slots: ModelSlot[Any]) -> None:
        for slot in slots:
            await slot.fill(self._threads)
            logger.info("model %s: %s", slot.name, slot.health.state)
            if error := slot.health.error:
                logger.error("%s", error)

    async def _measure(self) -> None:
        """Learn what calls cost, for as long as the engine runs."""
        clock = asyncio.get_running_loop().time
        measured_s, busy_s = clock(), processors_busy_s()
        while True:
            await asyncio.sleep(MEASURE_EVERY_S)
            seconds, measured_s = clock() - measured_s, clock()
            before_s, busy_s = busy_s, processors_busy_s()
            self.capacity.learn(seconds, calls=self.calls, done=self._done(), processor_s=busy_s - before_s)

    def _done(self) -> dict[str, Work]:
        done = {"whisper": self.hearing.work, "piper": self.speaking.work, "knowledge": self.reading.work}
        if llama := self.llama.loaded():
            load = llama.load()
            done["llama"] = Work(load.busy_s, load.busy_s, load.squares_s2)
        return done

    def _read(self, batch: Sequence[Question | Callable[[], Any]]) -> Sequence[Any]:
        search = apart_on_failure(lambda wanted: self.knowledge.use().search_all(wanted))
        found = iter(search([one.wanted for one in batch if isinstance(one, Question)]))
        return [next(found) if isinstance(one, Question) else outcome(one) for one in batch]

    def _decode(self, batch: Sequence[Callable[[], Utterance]]) -> Sequence[Transcript]:
        utterances = [utterance() for utterance in batch]
        begin_s = time.perf_counter()
        transcripts = self.whisper.use().decode(utterances)
        if audio_s := sum(utterance.audio.size for utterance in utterances) / SAMPLE_RATE_HZ:
            STT_REAL_TIME.observe((time.perf_counter() - begin_s) / audio_s)
        return transcripts
