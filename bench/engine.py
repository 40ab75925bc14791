"""Each engine alone, in this process: what our scheduler costs, what batches gain, what is not computed twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from agent.cores import CoreBudget, divide
from agent.settings import Settings
from bench.engines import decoding, hearing, remembering, speaking
from bench.engines.decoding import Freed, Rate
from bench.engines.hearing import Heard
from bench.engines.remembering import Memory
from bench.engines.speaking import Spoken
from bench.heard import questions
from knowledge.embeddings import Embedder
from plugins.piper.model import PiperModel
from plugins.whisper.model import Decoding, WhisperModel

Figures = dict[str, object]

WANTED_CALLS = 8
"""Calls at once for which the efficiency is the figure of the benchmark."""
TEXTS = 8


@dataclass(frozen=True)
class Llama:
    """One language model's results."""

    rates: Sequence[Rate]
    freed: Sequence[Freed]
    memory: Memory

    @property
    def efficiency(self) -> float:
        """Our decode rate as a share of the raw loop's."""
        return next(rate.efficiency for rate in self.rates if rate.calls == WANTED_CALLS)


@dataclass(frozen=True)
class Others:
    """The engines beside the language model."""

    whisper: Heard
    piper: Spoken
    embedder_ms: float


async def run(settings: Settings, *, models: Sequence[Path]) -> Figures:
    """Measure the settings' models, and further language models; print tables, return what `latest.json` keeps."""
    cores = divide(settings.engine.cores)
    measure = partial(_llama, threads=cores.llama, cells=settings.models.context_tokens)
    llamas = {path.name: await measure(path) for path in (settings.models.llama, *models)}
    others = await _others(settings, cores)
    console = Console()
    for name, llama in llamas.items():
        console.print(_llama_table(name, llama))
        console.print("\n".join(_llama_notes(llama)))
    console.print(_others_table(others))
    return figures(llamas, others)


async def _llama(path: Path, *, threads: int, cells: int) -> Llama:
    bench = decoding.Bench(path, cells=cells, threads=threads)
    try:
        rates = [await bench.rate(calls) for calls in decoding.CALLS]
        freed = await bench.cancel()
    finally:
        bench.close()
    return Llama(rates, freed, await remembering.remember(path, threads=threads, cells=cells))


async def _others(settings: Settings, cores: CoreBudget) -> Others:
    models, texts = settings.models, questions(TEXTS)
    voice = PiperModel(models.voice, threads=cores.piper)
    whisper = WhisperModel(models.whisper, threads=cores.whisper, decoding=Decoding(beam_size=models.whisper_beam))
    embedder = Embedder(models.embedder, threads=cores.embedder)
    embedder.load()
    return Others(
        whisper=await hearing.hear(whisper, hearing.spoken(voice, texts)),
        piper=speaking.speak(voice, texts),
        embedder_ms=speaking.query_ms(embedder, texts),
    )


def figures(llamas: dict[str, Llama], others: Others) -> Figures:
    """What goes into `latest.json`; the single figures are those of the settings' own language model."""
    own = next(iter(llamas.values()))
    return {
        "llm_batch_efficiency": round(own.efficiency, 3),
        "cancel_ms": round(median(freed.after_ms for freed in own.freed), 2),
        "cancel_steps": max(freed.steps for freed in own.freed),
        "second_turn_read_tokens": own.memory.second_turn.read_tokens,
        "second_turn_new_tokens": new_tokens(own.memory),
        "new_call_cached_tokens": own.memory.new_call.prompt_tokens - own.memory.new_call.read_tokens,
        "back_from_host_read_tokens": own.memory.back_from_host.read_tokens,
        "llm": {name: [_rate_figures(rate) for rate in llama.rates] for name, llama in llamas.items()},
        "whisper_final_ms": {str(size): round(ms, 1) for size, ms in others.whisper.final_ms.items()},
        "whisper_interim_ms": {str(size): round(ms, 1) for size, ms in others.whisper.interim_ms.items()},
        "final_alone_ms": round(others.whisper.alone_ms, 1),
        "final_among_interims_ms": round(others.whisper.crowded_ms, 1),
        "piper_realtime_factor": round(others.piper.realtime_factor, 3),
        "piper_first_piece_ms": round(others.piper.first_piece_ms, 1),
        "embedder_query_ms": round(others.embedder_ms, 1),
    }


def new_tokens(memory: Memory) -> int:
    """By how much the second turn's prompt is longer than the first's."""
    return memory.second_turn.prompt_tokens - memory.first_turn.prompt_tokens


def _rate_figures(rate: Rate) -> Figures:
    return {
        "calls": rate.calls,
        "tokens_per_s": round(rate.ours),
        "raw_tokens_per_s": round(rate.raw),
        "efficiency": round(rate.efficiency, 3),
        "step_ms": round(rate.step_ms, 2),
        "added_us": round(rate.added_us),
    }


def _llama_table(name: str, llama: Llama) -> Table:
    table = Table("calls", "tokens/s", "raw loop", "share", "step ms", "added µs", title=f"Language model: {name}")
    for rate in llama.rates:
        table.add_row(
            str(rate.calls),
            f"{rate.ours:.0f}",
            f"{rate.raw:.0f}",
            f"{rate.efficiency:.1%}",
            f"{rate.step_ms:.2f}",
            f"{rate.added_us:.0f}",
        )
    return table


def _llama_notes(llama: Llama) -> list[str]:
    memory, freed = llama.memory, llama.freed
    return [
        f"a cancelled place works for the next after {median(f.after_ms for f in freed):.2f} ms, "
        f"at most {max(f.steps for f in freed)} steps",
        f"second turn: {new_tokens(memory)} new tokens of {memory.second_turn.prompt_tokens}, "
        f"{memory.second_turn.read_tokens} read; first token after {memory.second_turn.first_token_ms:.1f} ms, "
        f"{memory.first_turn.first_token_ms:.1f} ms in the first turn",
        f"another call with the same beginning: {memory.new_call.read_tokens} tokens read "
        f"of {memory.new_call.prompt_tokens}",
        f"a call that comes back from host memory: {memory.back_from_host.read_tokens} tokens read "
        f"of {memory.back_from_host.prompt_tokens}; first token after {memory.back_from_host.first_token_ms:.1f} ms",
    ]


def _others_table(others: Others) -> Table:
    whisper = others.whisper
    table = Table("engine", "", title="The other engines")
    for size in hearing.BATCHES:
        table.add_row(
            f"Whisper, {size} at once",
            f"{whisper.final_ms[size]:.0f} ms per final, {whisper.interim_ms[size]:.0f} ms per interim "
            f"of {whisper.audio_s:.1f} s",
        )
    table.add_row(
        "Whisper, a final", f"{whisper.alone_ms:.0f} ms alone, {whisper.crowded_ms:.0f} ms when 8 interims wait"
    )
    table.add_row("Piper", f"{others.piper.realtime_factor:.3f} s of work for a second of speech")
    table.add_row("Piper, first piece", f"{others.piper.first_piece_ms:.0f} ms")
    table.add_row("Embedder", f"{others.embedder_ms:.1f} ms for a question")
    return table
