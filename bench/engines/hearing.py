"""Whisper alone: what batching gains, and what a final transcript waits for among interims."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from statistics import median

from plugins.audio import Float, float_from_pcm, resample
from plugins.piper.model import PiperModel
from plugins.server.engine import WHISPER_BATCH, WHISPER_INTERIMS
from plugins.server.scheduler import Priority, Scheduler
from plugins.whisper.model import Utterance, WhisperModel

BATCHES = (1, 2, 4, 8)
REPEATS = 3
RATE_HZ = 16_000


@dataclass(frozen=True)
class Heard:
    """Milliseconds per utterance for each size of batch, finals and interims; and a final alone and in a crowd."""

    audio_s: float
    final_ms: dict[int, float]
    interim_ms: dict[int, float]
    alone_ms: float
    crowded_ms: float


def spoken(voice: PiperModel, questions: Sequence[str]) -> list[Utterance]:
    """Eight questions as our voice asks them."""
    return [Utterance(_at_16_khz(voice, text), "en") for text in islice(cycle(questions), BATCHES[-1])]


def _at_16_khz(voice: PiperModel, text: str) -> Float:
    pcm = b"".join(piece.audio.tobytes() for piece in voice.synthesize(text))
    return resample(float_from_pcm(pcm), from_hz=voice.sample_rate_hz, to_hz=RATE_HZ)


async def hear(model: WhisperModel, utterances: Sequence[Utterance]) -> Heard:
    """Measure a loaded model."""
    interims = [replace(utterance, is_interim=True, want_words=False) for utterance in utterances]
    model.decode(utterances)
    return Heard(
        audio_s=sum(utterance.audio.size for utterance in utterances) / len(utterances) / RATE_HZ,
        final_ms={size: _each_ms(model, utterances, size) for size in BATCHES},
        interim_ms={size: _each_ms(model, interims, size) for size in BATCHES},
        alone_ms=median([await _final_ms(model, utterances[0], []) for _ in range(REPEATS)]),
        crowded_ms=median([await _final_ms(model, utterances[0], interims) for _ in range(REPEATS)]),
    )


def _each_ms(model: WhisperModel, utterances: Sequence[Utterance], size: int) -> float:
    times: list[float] = []
    for _ in range(REPEATS):
        begin_s = time.perf_counter()
        for start in range(0, len(utterances), size):
            model.decode(utterances[start : start + size])
        times.append(1e3 * (time.perf_counter() - begin_s) / len(utterances))
    return median(times)


async def _final_ms(model: WhisperModel, final: Utterance, interims: Sequence[Utterance]) -> float:
    """One final transcript that arrives when `interims` already wait."""
    scheduler = Scheduler(model.decode, name="whisper", max_batch=WHISPER_BATCH, max_speculative=WHISPER_INTERIMS)
    crowd = [asyncio.create_task(scheduler.submit(item, priority=Priority.SPECULATIVE)) for item in interims]
    await asyncio.sleep(0)
    begin_s = time.perf_counter()
    await scheduler.submit(final, priority=Priority.FINAL)
    took_ms = 1e3 * (time.perf_counter() - begin_s)
    await asyncio.gather(*crowd)
    await scheduler.aclose()
    return took_ms
