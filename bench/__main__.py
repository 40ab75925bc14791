"""`python -m bench heard`: what a caller waits for, measured on the audio."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from agent.settings import load
from bench import heard as heard_bench
from bench.results import save
from bench.shapes.build import Size, build
from bench.shapes.stage import Mode, Stage

app = typer.Typer(help="Benchmarks: each prints a table and writes bench/results/latest.json.", no_args_is_help=True)


@app.command()
def heard(
    turns: Annotated[int | None, typer.Option(help="Spoken turns of the call; 30, with standard shapes 12.")] = None,
    stock: Annotated[bool, typer.Option(help="Also the same models used the usual way, in the same run.")] = False,
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
    figures = asyncio.run(heard_bench.run(load(), turns=turns, with_stock=stock, stage=stage))
    if not stage:
        save("heard", figures)
    elif (size, answers) == ("0.5b", "quote"):
        save("heard", figures, family="standard")


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
