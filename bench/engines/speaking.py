"""The voice alone and the embedder alone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from knowledge.embeddings import Embeds
from plugins.piper.model import PiperModel


@dataclass(frozen=True)
class Spoken:
    """`realtime_factor`: seconds of work for a second of speech."""

    realtime_factor: float
    first_piece_ms: float


def speak(voice: PiperModel, texts: Sequence[str]) -> Spoken:
    """Each text in full, and how soon its first piece was there."""
    firsts: list[float] = []
    work_s = samples = 0.0
    for text in texts:
        begin_s = time.perf_counter()
        for number, piece in enumerate(voice.synthesize(text)):
            if not number:
                firsts.append(time.perf_counter() - begin_s)
            samples += piece.audio.size
        work_s += time.perf_counter() - begin_s
    return Spoken(work_s / (samples / voice.sample_rate_hz), 1e3 * median(firsts))


def query_ms(embedder: Embeds, queries: Sequence[str]) -> float:
    """The middle time to embed one question."""
    return median(_ms(lambda query=query: embedder.embed_queries([query])) for query in queries)


def _ms(work: Callable[[], Any]) -> float:
    begin_s = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin_s)
