"""What came of a scripted call: per turn what was said, understood and answered, and how long it took to be heard."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A passage that an answer rests on."""

    title: str
    source: str
    text: str = ""
    position: int = 0
    score: float = 0.0


@dataclass(frozen=True)
class TurnReport:
    """One turn. Times in milliseconds; `heard_ms` is measured on the audio, `first_text_ms` on the captions."""

    door: str
    """`voice` or `text`."""
    said: str
    understood: str
    answer: str
    sources: tuple[Source, ...] = ()
    heard_ms: float | None = None
    """From the caller's last audible sample sent to the agent's first audible sample received."""
    first_text_ms: float | None = None
    """From the question's end to the first piece of the answer's text."""
    is_cut_off: bool = False
    """Whether the agent was heard before the caller had finished."""
    stages: Json = field(default_factory=dict[str, Any])
    """The agent's own account of the turn, if it sent one."""

    @property
    def is_answered(self) -> bool:
        """Whether anything came back."""
        return bool(self.answer) or self.heard_ms is not None


@dataclass(frozen=True)
class CallReport:
    """One call from joining to hanging up."""

    room: str
    models: str
    """`starter` or `standard`, as the agent says; empty if it does not."""
    mode: str
    greeting: str
    joined_ms: float
    """From the start of the call to the agent's arrival in the room."""
    turns: tuple[TurnReport, ...]

    @property
    def is_answered(self) -> bool:
        """Whether every turn got an answer."""
        return all(turn.is_answered for turn in self.turns)

    @property
    def median_heard_ms(self) -> float | None:
        """The middle heard latency of the spoken turns."""
        heard = [turn.heard_ms for turn in self.turns if turn.heard_ms is not None]
        return median(heard) if heard else None

    def as_dict(self) -> Json:
        """Plain values for JSON."""
        return asdict(self) | {"median_heard_ms": self.median_heard_ms}

    def __rich__(self) -> RenderableType:
        return Group(_headline(self), _table(self), _footer(self))


def _headline(report: CallReport) -> Text:
    kind = f"{report.models} models, {report.mode} mode" if report.models else "an agent"
    return Text.assemble(
        ("Call ", "bold"), f"to {kind} · room {report.room} · agent there after {report.joined_ms:.0f} ms\n",
        ("agent     ", "cyan"), report.greeting or "(no greeting)",
    )  # fmt: skip


def _table(report: CallReport) -> Table:
    table = Table(show_lines=True, expand=True)
    table.add_column("said", ratio=3)
    table.add_column("understood", ratio=3)
    table.add_column("answer", ratio=5)
    table.add_column("sources", ratio=2)
    table.add_column("ms", justify="right")
    for turn in report.turns:
        titles = list(dict.fromkeys(source.title or source.source for source in turn.sources))
        table.add_row(
            Text(turn.said),
            Text(turn.understood) if turn.door == "voice" else Text("(typed)", style="dim"),
            Text(turn.answer) if turn.answer else Text("no answer", style="bold red"),
            Text(", ".join(titles) or "-"),
            _latency(turn),
        )
    return table


def _latency(turn: TurnReport) -> str:
    milliseconds = turn.heard_ms if turn.door == "voice" else turn.first_text_ms
    return "-" if milliseconds is None else f"{milliseconds:.0f}"


def _footer(report: CallReport) -> Text:
    answered = sum(turn.is_answered for turn in report.turns)
    parts = [f"{answered} of {len(report.turns)} turns answered"]
    if report.median_heard_ms is not None:
        parts.append(
            f"median heard latency {report.median_heard_ms:.0f} ms (end of the question to start of the answer)"
        )
    return Text(", ".join(parts), style="green" if answered == len(report.turns) else "red")
