"""`python -m bench heard`: what a caller waits for, measured on the audio. `bench engine`: each engine alone."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from agent.settings import load
from bench import heard as heard_bench
from bench.results import save

app = typer.Typer(help="Benchmarks: each prints a table and writes bench/results/latest.json.", no_args_is_help=True)


@app.command()
def heard(
    turns: Annotated[int, typer.Option(help="Spoken turns of the call.")] = heard_bench.TURNS,
    stock: Annotated[bool, typer.Option(help="Also the same models used the usual way, in the same run.")] = False,
) -> None:
    """Heard latency of one call: the caller's last sample to the agent's first."""
    figures = asyncio.run(heard_bench.run(load(), turns=turns, with_stock=stock))
    save("heard", figures)


@app.command()
def engine(
    model: Annotated[list[Path] | None, typer.Option(help="A further language model (GGUF); may be repeated.")] = None,
) -> None:
    """Each engine alone: the scheduler beside the raw loop, batches, cancelling, what is not read twice."""
    from bench import engine as engine_bench

    figures = asyncio.run(engine_bench.run(load(), models=model or ()))
    save("engine", figures)


@app.command(hidden=True)
def stock() -> None:
    """The worker that `heard --stock` compares with; runs until terminated."""
    from bench.stock import serve

    asyncio.run(serve())


if __name__ == "__main__":
    app()
