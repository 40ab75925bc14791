"""`python -m bench heard|interrupt|noise`: what a caller lives through, measured on the audio."""

import asyncio
from typing import Annotated

import typer

from agent.settings import load
from bench import heard as heard_bench
from bench import interrupt as interrupt_bench
from bench import noise as noise_bench
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
def interrupt() -> None:
    """Barge-ins: the caller's first sound to a quieter, then to a silent agent."""
    save("interrupt", asyncio.run(interrupt_bench.run(load())))


@app.command()
def noise(
    minutes: Annotated[float, typer.Option(help="Noise to listen to.")] = noise_bench.NOISE_S / 60,
) -> None:
    """Non-speech: words invented from it, and answers broken off because of it."""
    save("noise", asyncio.run(noise_bench.run(load(), seconds=60 * minutes)))


@app.command(hidden=True)
def stock() -> None:
    """The worker that `heard --stock` compares with; runs until terminated."""
    from bench.stock import serve

    asyncio.run(serve())


if __name__ == "__main__":
    app()
