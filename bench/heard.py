"""Many spoken turns: how long each answer takes to be heard, where the time goes, and who is cut off.

Whole questions measure the latency; other calls, of people who hesitate, measure how often they are interrupted.
With `--documents` every question is asked once more without them, in the same call: that is what retrieval adds.
With `--stock` the same questions go, in the same run, to the same models used the usual way (`bench/stock`).
With `--models standard-shapes` whole questions alone are put to models of the usual sizes (`bench/shapes`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from agent.caller.report import TurnReport
from agent.caller.script import CallScript
from agent.caller.ticket import Keys, ask_for_ticket, mint_ticket
from agent.machine import running_machine
from agent.settings import Settings
from bench.asking import Turns, ask, ask_twice, hesitate, script_of
from bench.results import percentile
from bench.shapes.stage import Stage

TURNS = 30
STANDARD_TURNS = 12
QUESTIONS = Path(__file__).with_name("questions.txt")
LOG = Path("run/bench.log")
OURS, WITHOUT, STOCK = "landline", "without documents", "stock"
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


@dataclass(frozen=True)
class Plan:
    """What is measured. `compared` of the questions, the first, are also asked without documents and of stock."""

    turns: int
    compared: int
    with_stock: bool = False
    with_documents: bool = False
    stage: Stage | None = None
    """Other models, and then no callers who hesitate."""


async def run(settings: Settings, plan: Plan) -> Figures:
    """Start everything, make the calls, print the table and return the figures for `latest.json`."""
    script, stage = script_of(questions(plan.turns)), plan.stage
    hesitating: Turns = ()
    async with running_machine(settings, log=LOG, members=stage.members(settings, script) if stage else ()) as page:
        columns = await _ours(script, page, plan)
        if not stage:
            hesitating = await hesitate(page)
        if plan.with_stock:
            columns[STOCK] = await _stock(script_of(questions(plan.compared)), settings, stage)
    Console().print(_table(columns, hesitating))
    return figures(columns, hesitating)


async def _ours(script: CallScript, page: str, plan: Plan) -> dict[str, Turns]:
    ticket = await ask_for_ticket(page)
    if not plan.with_documents:
        return {OURS: _answered(await ask(script, ticket))}
    ours, without = await ask_twice(script, ticket, first=plan.compared)
    return {OURS: _answered(ours), WITHOUT: _answered(without)}


async def _stock(script: CallScript, settings: Settings, stage: Stage | None) -> Turns:
    from bench.stock.beside import stock_worker

    async with stock_worker(stage, log=LOG) as agent_name:
        return _answered(await ask(script, mint_ticket(keys(settings), agent_name=agent_name, lifetime_s=3600)))


def _answered(turns: Turns) -> Turns:
    if not latencies(turns):
        raise SystemExit(f"not one of {len(turns)} turns was answered; {LOG} says why")
    return turns


def questions(count: int) -> list[str]:
    """The first `count` questions, over and over if there are fewer."""
    lines = QUESTIONS.read_text().splitlines()
    return [lines[number % len(lines)] for number in range(count)]


def keys(settings: Settings) -> Keys:
    """What tickets are signed with."""
    secret = settings.livekit.api_secret.get_secret_value()
    return Keys(settings.livekit_url, settings.livekit.api_key, secret)


def figures(columns: Mapping[str, Sequence[TurnReport]], hesitating: Sequence[TurnReport]) -> Figures:
    """What goes into `latest.json`; latencies in milliseconds, of answered turns only, not cut off."""
    ours = latencies(columns[OURS])
    found: Figures = {
        "turns": len(columns[OURS]),
        "unanswered": unanswered(columns[OURS]),
        "p50_ms": round(median(ours)),
        "p95_ms": round(percentile(ours, 0.95)),
        "cutoff_rate_plain": round(cut_off(columns[OURS]), 3),
        "made_ahead_rate": round(share(columns[OURS], is_made_ahead), 3),
        "waterfall_ms": {name: round(value) for name, value in stage_medians(columns[OURS]).items()},
    }
    if hesitating:
        found["cutoff_rate"] = round(cut_off(hesitating), 3)
    return found | _added_by_documents(columns) | _beside_stock(columns)


def _added_by_documents(columns: Mapping[str, Turns]) -> Figures:
    """The difference of the medians, of the same questions."""
    if WITHOUT not in columns:
        return {}
    without = median(latencies(columns[WITHOUT]))
    same = median(latencies(columns[OURS][: len(columns[WITHOUT])]))
    return {"without_documents_p50_ms": round(without), "documents_ms": round(same - without)}


def _beside_stock(columns: Mapping[str, Turns]) -> Figures:
    """The usual way; the ratio of the medians is that of the same questions."""
    if STOCK not in columns:
        return {}
    turns = columns[STOCK]
    stock, same = latencies(turns), columns[OURS][: len(turns)]
    return {
        "stock_turns": len(turns),
        "stock_unanswered": unanswered(turns),
        "stock_p50_ms": round(median(stock)),
        "stock_p95_ms": round(percentile(stock, 0.95)),
        "stock_ratio": round(median(latencies(same)) / median(stock), 3),
        "stock_same_answers": round(same_answers(same, turns), 3),
    }


def same_answers(ours: Turns, theirs: Turns) -> float:
    """The share of questions to which both began the same answer, as far as both were heard."""
    begun = [(_letters(one.answer), _letters(other.answer)) for one, other in zip(ours, theirs, strict=False)]
    return sum(bool(a and b) and (a.startswith(b) or b.startswith(a)) for a, b in begun) / len(begun)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def latencies(turns: Sequence[TurnReport]) -> list[float]:
    """Heard latencies of the turns that were answered aloud; who was talked over did not wait for an answer."""
    return [turn.heard_ms for turn in turns if turn.heard_ms is not None and not turn.is_cut_off]


def unanswered(turns: Sequence[TurnReport]) -> int:
    """How many turns nothing was heard after."""
    return sum(turn.heard_ms is None for turn in turns)


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
    table.add_row("answered", *(f"{len(turns) - unanswered(turns)} of {len(turns)}" for turns in columns.values()))
    table.add_row("cut off", *(f"{cut_off(turns):.0%}" for turns in columns.values()))
    if STOCK in columns:
        table.caption = f"{same_answers(columns[OURS], columns[STOCK]):.0%} of our answers and stock's begin alike"
    if hesitating:
        table.add_row("cut off while hesitating", f"{cut_off(hesitating):.0%}")
    for stage, value in stage_medians(columns[OURS]).items():
        table.add_row(f"  {stage.removesuffix('_ms').replace('_', ' ')}", f"{value:.0f}")
    return table
