"""Benchmarks: what callers live through, how many fit on a machine, and what outlives what."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop

from agent.settings import load, steer_libraries
from bench import calls as calls_bench
from bench import growth
from bench import heard as heard_bench
from bench import http as http_bench
from bench import interrupt as interrupt_bench
from bench import noise as noise_bench
from bench import survival as survival_bench
from bench.results import save
from bench.shapes.build import Size, build
from bench.shapes.stage import Mode, Stage

app = typer.Typer(help="Benchmarks: each prints a table and writes bench/results/latest.json.", no_args_is_help=True)


@app.callback()
def every_call_is_answered() -> None:
    """By the models, not with what they said before, and however slow the machine is."""
    steer_libraries({"ANSWER_CACHE": "0", "ENGINE_TARGET_MS": "0"})


@app.command()
def heard(
    turns: Annotated[int | None, typer.Option(help="Spoken turns of the call; 30, with standard shapes 12.")] = None,
    stock: Annotated[bool, typer.Option(help="Also the same models used the usual way, in the same run.")] = False,
    documents: Annotated[bool, typer.Option("--documents", help="Every question once more without them.")] = False,
    compared: Annotated[
        int | None, typer.Option(help="So many of the questions without documents and to stock; all.")
    ] = None,
    models: Annotated[
        Literal["starter", "standard-shapes"],
        typer.Option(help="The starter's, or random weights in the shapes of standard ones."),
    ] = "starter",
    size: Annotated[Size, typer.Option(help="Language model of the standard shapes.")] = "0.5b",
    answers: Annotated[
        Mode, typer.Option(help="Standard shapes answer word for word from the documents, or as if in their own words.")
    ] = "quote",
) -> None:
    """Heard latency of one call: the caller's last sample to the agent's first.

    Of the standard shapes only the 0.5b that quotes goes into latest.json; the others are printed.
    """
    stage = Stage(build(size), mode=answers) if models == "standard-shapes" else None
    turns = turns or (heard_bench.STANDARD_TURNS if stage else heard_bench.TURNS)
    plan = heard_bench.Plan(turns, min(compared or turns, turns), stock, documents, stage)
    figures = asyncio.run(heard_bench.run(load(), plan))
    if not stage:
        save("heard", figures)
    elif (size, answers) == ("0.5b", "quote"):
        save("heard", figures, family="standard")


@app.command()
def calls(
    at: Annotated[str, typer.Option(help="Numbers of simultaneous calls, with commas between.")] = "1,2,4,8,12",
    seconds: Annotated[float, typer.Option(help="How long everybody talks.")] = calls_bench.SECONDS,
    target_ms: Annotated[float, typer.Option(help="The p95 that is still good.")] = calls_bench.TARGET_MS,
    per_call_engines: Annotated[bool, typer.Option(help="Also with one set of models per call.")] = False,
) -> None:
    """Simultaneous talking calls: heard latency, memory and cores against their number."""
    numbers = _numbers(at)
    lines = 2 * max(numbers)  # calls that just ended still hold theirs
    steer_libraries({"WORKER_MAX_CALLS": str(lines)})
    figures = asyncio.run(
        calls_bench.run(load(), at=numbers, seconds=seconds, target_ms=target_ms, with_model_sets=per_call_engines)
    )
    save("calls", figures)


@app.command(hidden=True)
def callers(
    agent: Annotated[list[str], typer.Option()],
    first: Annotated[int, typer.Option()],
    total: Annotated[int, typer.Option()],
    seconds: Annotated[float, typer.Option()],
    light: Annotated[bool, typer.Option()] = False,
) -> None:
    """Some of the callers of `calls`, one for each agent named; standard input says when they talk."""
    from bench.callers import Share, serve

    uvloop.run(serve(load(), Share(agent, first, total, is_light=light), seconds=seconds))


@app.command()
def engine(
    model: Annotated[list[Path] | None, typer.Option(help="A further language model (GGUF); may be repeated.")] = None,
) -> None:
    """Each engine alone: the scheduler beside the raw loop, batches, cancelling, what is not read twice."""
    from bench import engine as engine_bench

    figures = asyncio.run(engine_bench.run(load(), models=model or ()))
    save("engine", figures)


@app.command()
def survival(
    calls: Annotated[int, typer.Option(help="Short calls over which nothing may grow.")] = growth.CALLS,
) -> None:
    """Killed workers and engines as callers notice them, and memory over many short calls."""
    lines = 4 * growth.AT_ONCE  # calls that just ended still hold theirs
    steer_libraries({"WORKER_MAX_CALLS": str(lines)})
    asyncio.run(survival_bench.run(load(), calls=calls, keep=partial(save, "survival")))


@app.command()
def interrupt() -> None:
    """Barge-ins: the caller's first sound to a quieter, then to a silent agent."""
    save("interrupt", asyncio.run(interrupt_bench.run(load())))


@app.command()
def noise(
    minutes: Annotated[float, typer.Option(help="Noise to listen to.")] = noise_bench.NOISE_S / 60,
) -> None:
    """Non-speech: words invented from it, and answers broken off because of it."""
    save("noise", asyncio.run(noise_bench.run(load(), seconds=60 * minutes)))


@app.command()
def knowledge(
    chunks: Annotated[int, typer.Option(help="Size of the collection whose searches are timed; 0: none.")] = 100_000,
) -> None:
    """The documents: passages found, answers right and grounded, silence admitted, and the time of a search."""
    from bench import knowledge as knowledge_bench

    save("knowledge", knowledge_bench.run(chunks=chunks))


@app.command()
def http(
    streams: Annotated[int, typer.Option(help="Conversations at once.")] = http_bench.STREAMS,
    seconds: Annotated[float, typer.Option(help="How long they go on.")] = http_bench.SECONDS,
) -> None:
    """The HTTP door: time to the first token, tokens and errors under many conversations; how soon it speaks."""
    steer_libraries({"MODELS_SLOTS": str(streams + http_bench.SPARE), "MODELS_CONTEXT_TOKENS": str(512 * streams)})
    save("http", asyncio.run(http_bench.run(load(), streams=streams, seconds=seconds)))


@app.command("all")
def everything() -> None:
    """All of it, one after the other, each in a process of its own; then the table for the README."""
    from bench.everything import run

    run()


@app.command(hidden=True)
def stock(
    script: Annotated[Path | None, typer.Option(help="What the callers of standard shapes will say.")] = None,
) -> None:
    """The worker that `heard --stock` compares with; runs until terminated."""
    from bench.stock.worker import serve

    asyncio.run(serve(script))


@app.command(hidden=True)
def engine_of_shapes(script: Path) -> None:
    """The engine of `heard --models standard-shapes`, whose models follow a script; runs until terminated."""
    from agent import logs
    from agent.cli.common import run_until_signal
    from bench.shapes.stage import serve

    settings = load()
    logs.set_up(settings.log, process="engine")
    run_until_signal(lambda stop, _: serve(settings, stop, script=script))


def _numbers(text: str) -> list[int]:
    """`1,2,4` as numbers of calls."""
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{text!r} is not a list such as 1,2,4")
    return [int(word) for word in words]


if __name__ == "__main__":
    app()
