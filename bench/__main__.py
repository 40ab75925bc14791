"""`python -m bench heard` and `calls`: what callers wait for, measured on the audio."""

import asyncio
from typing import Annotated

import typer

from agent.settings import load, steer_libraries
from bench import calls as calls_bench
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
def calls(
    at: Annotated[str, typer.Option(help="Numbers of simultaneous calls, with commas between.")] = "1,2,4,8,12",
    seconds: Annotated[float, typer.Option(help="How long everybody talks.")] = calls_bench.SECONDS,
    target_ms: Annotated[float, typer.Option(help="The p95 that is still good.")] = calls_bench.TARGET_MS,
    per_call_engines: Annotated[bool, typer.Option(help="Also with one set of models per call.")] = False,
) -> None:
    """Simultaneous talking calls: heard latency, memory and cores against their number."""
    numbers = _numbers(at)
    steer_libraries({"WORKER_MAX_CALLS": str(2 * max(numbers))})  # calls that just ended still hold their lines
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
) -> None:
    """Some of the callers of `calls`, one for each agent named; standard input says when they talk."""
    from bench.callers import Share, serve

    asyncio.run(serve(load(), Share(agent, first, total), seconds=seconds))


@app.command(hidden=True)
def stock() -> None:
    """The worker that `heard --stock` compares with; runs until terminated."""
    from bench.stock import serve

    asyncio.run(serve())


def _numbers(text: str) -> list[int]:
    """`1,2,4` as numbers of calls."""
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{text!r} is not a list such as 1,2,4")
    return [int(word) for word in words]


if __name__ == "__main__":
    app()
