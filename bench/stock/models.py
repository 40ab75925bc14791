"""The models as their libraries give them: blocking, one request at a time, each with a thread that runs it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import llama_cpp
import numpy as np
from faster_whisper import WhisperModel
from piper import PiperVoice

from agent.cores import usable_cores
from agent.engine import stock_lines
from agent.index import index_of
from agent.prompting import Prompt
from agent.settings import EMBEDDERS, AnswerSettings, Settings
from knowledge.embeddings import Embedder
from knowledge.retriever import Retriever
from plugins.audio import Float

WHISPER_RATE_HZ = 16_000
LLAMA: dict[str, Any] = {"n_ctx": 4096, "verbose": False}
"""Room for one call's prompt and answer, and no chatter; all else is the library's default."""

Json = dict[str, Any]


class Whisper:
    """faster-whisper."""

    def __init__(self, path: Path) -> None:
        self.thread = ThreadPoolExecutor(1)
        self._model = WhisperModel(str(path), device="cpu", cpu_threads=usable_cores())

    def words_in(self, audio: Float) -> str:
        """What is said in a whole utterance at 16 kHz."""
        segments, _ = self._model.transcribe(audio, language="en")
        return " ".join(segment.text.strip() for segment in segments)


class Answers:
    """llama-cpp-python."""

    def __init__(self, model: llama_cpp.Llama, rules: AnswerSettings) -> None:
        self.thread = ThreadPoolExecutor(1)
        self._model = model
        self._rules = rules

    def deltas(self, prompt: Prompt) -> Iterator[str]:
        """An answer as it is written."""
        gbnf = prompt.options.get("grammar")
        chunks = self._model.create_chat_completion(
            cast(Any, list(prompt.messages)),
            grammar=llama_cpp.LlamaGrammar.from_string(gbnf, verbose=False) if gbnf else None,
            temperature=self._rules.temperature,
            max_tokens=self._rules.max_tokens,
            stream=True,
        )
        for chunk in cast(Iterator[Json], chunks):
            if text := chunk["choices"][0]["delta"].get("content"):
                yield text


class Voice:
    """piper-tts."""

    def __init__(self, path: Path) -> None:
        self.thread = ThreadPoolExecutor(1)
        self._voice = PiperVoice.load(path)
        self.rate_hz = self._voice.config.sample_rate

    def sound_of(self, sentence: str) -> bytes:
        """A sentence as 16-bit samples."""
        return b"".join(chunk.audio_int16_bytes for chunk in self._voice.synthesize(sentence))


class Documents:
    """Our own search, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._embedder = Embedder(settings.models.embedder, threads=usable_cores(), copies=EMBEDDERS)
        index = index_of(settings, embedder=self._embedder.name, dim=self._embedder.dim)
        self._retriever = Retriever(index, self._embedder, stock_lines())

    def search(self, query: str, **wanted: Any) -> Json:
        """What the engine's `/v1/retrieve` says; `wanted` is as in `Retriever.search`."""
        return asdict(self._retriever.search(query, **wanted))


@dataclass(frozen=True)
class Models:
    """Everything that one call needs."""

    whisper: Whisper
    answers: Answers
    voice: Voice
    documents: Documents

    def try_out(self) -> None:
        """Use each once, so that no call is the first to."""
        self.whisper.words_in(np.zeros(WHISPER_RATE_HZ, np.float32))
        found = self.documents.search("hello")
        for _ in self.answers.deltas(Prompt([{"role": "user", "content": "hello"}], {}, found)):
            break
        self.voice.sound_of("hello")


def load_models(settings: Settings) -> Models:
    """The models of the settings."""
    models = settings.models
    return Models(
        whisper=Whisper(models.whisper),
        answers=Answers(llama_cpp.Llama(str(models.llama), **LLAMA), settings.answer),
        voice=Voice(models.voice),
        documents=Documents(settings),
    )
