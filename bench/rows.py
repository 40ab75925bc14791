"""A row for each number of simultaneous calls, and what the rows say together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Self

from rich.table import Table

from bench.callers import Talk
from bench.heard import latencies, stage_medians, unanswered
from bench.results import percentile

LEAST_ANSWERED = 0.95
LATE_MS = 20

Columns = Mapping[str, Sequence["Row"]]
"""Rows by who answered: `SHARED`, and perhaps `OWN`."""
SHARED = "shared models"
OWN = "models per call"


@dataclass(frozen=True)
class Lateness:
    """How late the callers' microphone frames were sent: a starved caller measures itself, not the agent."""

    p95_ms: float
    max_ms: float
    late_share: float
    """Share of frames that were more than `LATE_MS` late."""

    @classmethod
    def of(cls, delays_ms: Sequence[float]) -> Self:
        """From the delay of each frame; nothing was late if nothing was sent."""
        if not delays_ms:
            return cls(0.0, 0.0, 0.0)
        late = sum(delay_ms > LATE_MS for delay_ms in delays_ms)
        return cls(percentile(delays_ms, 0.95), max(delays_ms), late / len(delays_ms))


@dataclass(frozen=True)
class Row:
    """What was measured with one number of calls. Latencies are those of answered questions, not cut off."""

    calls: int
    failed_calls: int
    asked: int
    answered: int
    cut_off: int
    p50_ms: float | None
    p95_ms: float | None
    private_mb: float
    """Memory of the engines and of the job processes with a call that no other process shares."""
    cores: dict[str, float]
    """Processor cores kept busy by each kind of process while everybody talked."""
    lateness: Lateness
    waterfall_ms: dict[str, float]
    whole_p50_ms: float | None = None
    """What the caller with LiveKit's whole client heard, for comparison with the light ones."""
    predicted_ms: float | None = None
    """What the engine had predicted for so many calls when the row before was over."""

    @classmethod
    def of(
        cls, calls: int, talk: Talk, *, cores: dict[str, float], private_mb: float, predicted_ms: float | None = None
    ) -> Self:
        """Put together what the callers heard and what the machine spent on it."""
        heard_ms = latencies(talk.turns)
        return cls(
            calls=calls,
            failed_calls=talk.failed_calls,
            asked=len(talk.turns),
            answered=len(talk.turns) - unanswered(talk.turns),
            cut_off=sum(turn.is_cut_off for turn in talk.turns),
            p50_ms=median(heard_ms) if heard_ms else None,
            p95_ms=percentile(heard_ms, 0.95) if heard_ms else None,
            private_mb=private_mb,
            cores=cores,
            lateness=Lateness.of(talk.delays_ms),
            waterfall_ms=stage_medians(talk.turns),
            whole_p50_ms=median(talk.whole_ms) if talk.whole_ms else None,
            predicted_ms=predicted_ms,
        )

    def reaches(self, target_ms: float) -> bool:
        """Whether every caller was answered, and as fast as wanted."""
        is_answered = not self.failed_calls and self.answered >= LEAST_ANSWERED * self.asked
        return is_answered and self.p95_ms is not None and self.p95_ms <= target_ms


def at_target(rows: Sequence[Row], target_ms: float) -> int:
    """The largest number of calls that were answered in time; 0 if none was."""
    return max((row.calls for row in rows if row.reaches(target_ms)), default=0)


def is_past_knee(rows: Sequence[Row], target_ms: float) -> bool:
    """Whether the last two numbers of calls were both too many."""
    return len(rows) >= 2 and not any(row.reaches(target_ms) for row in rows[-2:])


def mb_per_further_call(rows: Sequence[Row]) -> float | None:
    """How private memory grows from the fewest calls to the most; none without two rows."""
    if len(rows) < 2:
        return None
    first, last = rows[0], rows[-1]
    return (last.private_mb - first.private_mb) / (last.calls - first.calls)


def figures(columns: Columns, target_ms: float) -> dict[str, Any]:
    """What goes into `latest.json`."""
    shared, own = columns[SHARED], columns.get(OWN, ())
    found: dict[str, Any] = {
        "target_ms": target_ms,
        "at_target": at_target(shared, target_ms),
        "private_mb_per_call": mb_per_further_call(shared),
        "rows": [asdict(row) for row in shared],
    }
    if own:
        found["per_call_engines"] = [asdict(row) for row in own]
        found["per_call_engines_mb_per_call"] = mb_per_further_call(own)
    return rounded(found)


def rounded(value: Any) -> Any:
    """`value` with no more than three decimals in any number in it."""
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {name: rounded(one) for name, one in value.items()}
        case list():
            return [rounded(one) for one in value]
        case _:
            return value


def table(columns: Columns, target_ms: float) -> Table:
    """Measures downwards, numbers of calls to the right."""
    rows = [one for column in columns.values() for one in column]
    marks = ["" if name == SHARED else "*" for name, column in columns.items() for _ in column]
    note = f"at {target_ms:.0f} ms: {at_target(columns[SHARED], target_ms)} calls"
    if OWN in columns:
        note += f"   * {OWN}"
    found = Table("calls", *(f"{one.calls}{mark}" for one, mark in zip(rows, marks, strict=True)), caption=note)
    found.title = "Heard latency of simultaneous calls, and what they cost"
    for label, cells in _lines(rows):
        found.add_row(label, *cells)
    return found


def _lines(rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    kinds = list(dict.fromkeys(kind for one in rows for kind in one.cores))
    return [
        ("p50 ms", [_whole(one.p50_ms) for one in rows]),
        ("p95 ms", [_whole(one.p95_ms) for one in rows]),
        ("p95 ms as predicted", [_whole(one.predicted_ms) for one in rows]),
        ("p50 ms, whole client", [_whole(one.whole_p50_ms) for one in rows]),
        ("answered", [f"{one.answered}/{one.asked}" for one in rows]),
        ("failed calls", [str(one.failed_calls) for one in rows]),
        ("cut off", [str(one.cut_off) for one in rows]),
        ("private MB", [_whole(one.private_mb) for one in rows]),
        *((f"cores: {kind}", [f"{one.cores.get(kind, 0.0):.2f}" for one in rows]) for kind in kinds),
        ("callers late p95 ms", [_whole(one.lateness.p95_ms) for one in rows]),
        ("  max ms", [_whole(one.lateness.max_ms) for one in rows]),
        ("  over 20 ms", [f"{one.lateness.late_share:.1%}" for one in rows]),
    ]


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
