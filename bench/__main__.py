"""`python -m bench heard`: what a caller waits for, measured on the audio; `survival`: what outlives what."""

import asyncio
from typing import Annotated

import typer

from agent.settings import load
from bench import growth
from bench import heard as heard_bench
from bench import survival as survival_bench
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
def survival(
    calls: Annotated[int, typer.Option(help="Short calls over which nothing may grow.")] = growth.CALLS,
) -> None:
    """Killed workers and engines as callers notice them, and memory over many short calls."""
    figures = asyncio.run(survival_bench.run(load(), calls=calls))
    save("survival", figures)


@app.command(hidden=True)
def stock() -> None:
    """The worker that `heard --stock` compares with; runs until terminated."""
    from bench.stock import serve

    asyncio.run(serve())


if __name__ == "__main__":
    app()
