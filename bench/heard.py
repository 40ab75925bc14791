"""Many spoken turns: how long each answer takes to be heard, where the time goes, and who is cut off.

Whole questions measure the latency; a second call, of people who hesitate, measures how often they are interrupted.
With `--stock` the same questions go, in the same run, to the same models used the usual way (`bench/stock.py`).
With `--models standard-shapes` whole questions alone are put to models of the usual sizes (`bench/shapes`).
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from agent.caller.conversation import run_call
from agent.caller.report import TurnReport
from agent.caller.script import CallScript, Say
from agent.caller.ticket import Keys, Ticket, ask_for_ticket, mint_ticket
from agent.machine import running_machine
from agent.settings import Settings, child_environment
from bench.results import percentile
from bench.shapes.stage import Stage

TURNS = 30
STANDARD_TURNS = 12
QUESTIONS = Path(__file__).with_name("questions.txt")
HESITATIONS = Path(__file__).with_name("hesitations.txt")
LISTEN_S = 1.0
"""How much of an answer the caller listens to."""
LOG = Path("run/bench.log")
STOCK_START_S = 60.0
STAGES = (
    "end_of_turn_ms",
    "transcript_ms",
    "retrieval_ms",
    "first_token_ms",
    "first_clause_ms",
    "first_audio_ms",
    "ahead_ms",
    "answered_ms",
)

Figures = dict[str, object]


async def run(settings: Settings, *, turns: int, with_stock: bool, stage: Stage | None = None) -> Figures:
    """Start everything, make the calls, print the table and return the figures for `latest.json`.

    A `stage` runs other models, and without the callers who hesitate.
    """
    script = _script(questions(turns))
    hesitating: Sequence[TurnReport] = ()
    async with running_machine(settings, log=LOG, members=stage.members(settings, script) if stage else ()) as page:
        columns = {"landline": await _call(script, await ask_for_ticket(page))}
        if not stage:
            hesitating = await _call(_script(HESITATIONS.read_text().splitlines()), await ask_for_ticket(page))
        if with_stock:
            async with _stock_worker(stage.environment if stage else {}) as agent_name:
                ticket = mint_ticket(keys(settings), agent_name=agent_name, lifetime_s=3600)
                columns["stock"] = await _call(script, ticket)
    Console().print(_table(columns, hesitating))
    return figures(columns, hesitating)


def _script(said: Sequence[str]) -> CallScript:
    return CallScript([Say(text) for text in said], listen_s=LISTEN_S)


def questions(count: int) -> list[str]:
    """The first `count` questions, over and over if there are fewer."""
    lines = QUESTIONS.read_text().splitlines()
    return [lines[number % len(lines)] for number in range(count)]


async def _call(script: CallScript, ticket: Ticket) -> Sequence[TurnReport]:
    report = await run_call(script, ticket=ticket)
    if not latencies(report.turns):
        raise SystemExit(f"not one of {len(report.turns)} turns was answered; {LOG} says why")
    return report.turns


def keys(settings: Settings) -> Keys:
    """What tickets are signed with."""
    secret = settings.livekit.api_secret.get_secret_value()
    return Keys(settings.livekit_url, settings.livekit.api_key, secret)


@asynccontextmanager
async def _stock_worker(environment: Mapping[str, str]) -> AsyncGenerator[str]:
    """The worker of `bench/stock.py` beside ours; gives its agent's name."""
    from bench.stock import AGENT_NAME, READY

    with LOG.open("a") as log:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench", "stock"),
            env=child_environment(environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert worker.stdout
    try:
        async with asyncio.timeout(STOCK_START_S):
            while READY not in (await worker.stdout.readline()).decode():
                if worker.returncode is not None:
                    raise RuntimeError(f"the stock worker did not start; {LOG} says why")
        yield AGENT_NAME
    finally:
        worker.terminate()
        await worker.wait()


def figures(columns: Mapping[str, Sequence[TurnReport]], hesitating: Sequence[TurnReport]) -> Figures:
    """What goes into `latest.json`; latencies in milliseconds, of answered turns only."""
    ours = latencies(columns["landline"])
    found: Figures = {
        "turns": len(columns["landline"]),
        "unanswered": len(columns["landline"]) - len(ours),
        "p50_ms": round(median(ours)),
        "p95_ms": round(percentile(ours, 0.95)),
        "cutoff_rate_plain": round(cut_off(columns["landline"]), 3),
        "made_ahead_rate": round(share(columns["landline"], is_made_ahead), 3),
        "waterfall_ms": {name: round(value) for name, value in stage_medians(columns["landline"]).items()},
    }
    if hesitating:
        found["cutoff_rate"] = round(cut_off(hesitating), 3)
    if "stock" in columns:
        stock = latencies(columns["stock"])
        found |= {"stock_p50_ms": round(median(stock)), "stock_p95_ms": round(percentile(stock, 0.95))}
        found["stock_ratio"] = round(median(ours) / median(stock), 3)
    return found


def latencies(turns: Sequence[TurnReport]) -> list[float]:
    """Heard latencies of the turns that were answered aloud."""
    return [turn.heard_ms for turn in turns if turn.heard_ms is not None]


def cut_off(turns: Sequence[TurnReport]) -> float:
    """The share of turns in which the agent was heard before the caller had finished."""
    return share(turns, lambda turn: turn.is_cut_off)


def is_made_ahead(turn: TurnReport) -> bool:
    """Whether the answer that was heard was begun before the turn ended."""
    return turn.stages.get("ahead_ms", 0.0) > 0


def share(turns: Sequence[TurnReport], fits: Callable[[TurnReport], bool]) -> float:
    """The share of turns that fit."""
    return sum(map(fits, turns)) / len(turns)


def stage_medians(turns: Sequence[TurnReport]) -> dict[str, float]:
    """The middle of every stage over the turns that have it."""
    times = {name: [turn.stages[name] for turn in turns if name in turn.stages] for name in STAGES}
    return {name: median(values) for name, values in times.items() if values}


def _table(columns: Mapping[str, Sequence[TurnReport]], hesitating: Sequence[TurnReport]) -> Table:
    table = Table("ms", *columns, title="Heard latency: the caller's last sample to the agent's first")
    rows = {name: latencies(turns) for name, turns in columns.items()}
    table.add_row("p50", *(f"{median(row):.0f}" for row in rows.values()))
    table.add_row("p95", *(f"{percentile(row, 0.95):.0f}" for row in rows.values()))
    table.add_row("answered", *(f"{len(row)} of {len(columns[name])}" for name, row in rows.items()))
    table.add_row("cut off", *(f"{cut_off(turns):.0%}" for turns in columns.values()))
    if hesitating:
        table.add_row("cut off while hesitating", f"{cut_off(hesitating):.0%}")
    for stage, value in stage_medians(columns["landline"]).items():
        table.add_row(f"  {stage.removesuffix('_ms').replace('_', ' ')}", f"{value:.0f}")
    return table
