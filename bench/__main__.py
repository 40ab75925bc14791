"""`python -m bench heard`: what a caller waits for, measured on the audio."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent.settings import load
from bench import heard as heard_bench
from bench.results import save

app = typer.Typer(help="Benchmarks: each prints a table and writes bench/results/latest.json.", no_args_is_help=True)


class Models(StrEnum):
    """Which models a benchmark runs."""

    STARTER = "starter"
    STANDARD_SHAPES = "standard-shapes"


class Size(StrEnum):
    """The language model among the standard shapes."""

    HALF_B = "0.5b"
    ONE_AND_A_HALF_B = "1.5b"


class Answers(StrEnum):
    """How the standard shapes answer."""

    QUOTE = "quote"
    FREE = "free"


@app.command()
def heard(
    turns: Annotated[int | None, typer.Option(help="Spoken turns of the call; 30, with standard shapes 12.")] = None,
    stock: Annotated[bool, typer.Option(help="Also the same models used the usual way, in the same run.")] = False,
    models: Annotated[
        Models,
        typer.Option(help="The starter's, or random weights in the shapes of standard ones."),
    ] = Models.STARTER,
    size: Annotated[Size, typer.Option(help="Language model of the standard shapes.")] = Size.HALF_B,
    answers: Annotated[
        Answers, typer.Option(help="Standard shapes: word for word from the documents, or as if in their own words.")
    ] = Answers.QUOTE,
) -> None:
    """Heard latency of one call: the caller's last sample to the agent's first."""
    if models is Models.STARTER:
        figures = asyncio.run(heard_bench.run(load(), turns=turns or heard_bench.TURNS, with_stock=stock))
        save("heard", figures)
        return
    from bench.shapes.build import build
    from bench.shapes.stage import Stage

    stage = Stage(build(size.value), mode=answers.value)
    turns = turns or heard_bench.STANDARD_TURNS
    figures = asyncio.run(heard_bench.run(load(), turns=turns, with_stock=stock, stage=stage))
    save("heard", figures | {"models": f"base.en, {size}, medium", "answers": answers.value}, family="standard")


@app.command(hidden=True)
def stock() -> None:
    """The worker that `heard --stock` compares with; runs until terminated."""
    from bench.stock import serve

    asyncio.run(serve())


@app.command(hidden=True)
def engine_of_shapes(script: Path) -> None:
    """The engine of `heard --models standard-shapes`, whose models follow a script; runs until terminated."""
    from agent import logs
    from agent.cli.common import run_until_signal
    from bench.shapes.stage import serve

    settings = load()
    logs.set_up(settings.log, process="engine")
    run_until_signal(lambda stop: serve(settings, stop, script=script))


if __name__ == "__main__":
    app()
