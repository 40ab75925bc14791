"""Measure the starter models: `python -m training.evaluate` (also `make evaluate`).

Prints every figure beside what it must reach and, with `--write`, puts them into `models/starter/card.json`.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import training.llm.evaluate
import training.stt.evaluate
import training.voice.evaluate

STARTER = Path(__file__).resolve().parent.parent / "models" / "starter"
CARD = STARTER / "card.json"

Figures = dict[str, float]
MEASURES: dict[str, Callable[[], Figures]] = {
    "stt": training.stt.evaluate.measure,
    "llm": training.llm.evaluate.measure,
    "voice": training.voice.evaluate.measure,
}


@dataclass(frozen=True)
class Goal:
    """What a figure must reach: at least, or at most, `limit`."""

    limit: float
    is_least: bool

    def is_met(self, value: float) -> bool:
        """Whether `value` reaches it."""
        return value >= self.limit if self.is_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:g}"


GOALS = {
    "stt.wer_demo": Goal(0.05, is_least=False),
    "stt.wer_phone": Goal(0.10, is_least=False),
    "stt.words_on_nonspeech": Goal(0, is_least=False),
    "llm.answered": Goal(0.92, is_least=True),
    "llm.answered_new_documents": Goal(0.85, is_least=True),
    "llm.abstained": Goal(0.90, is_least=True),
    "llm.talk": Goal(0.90, is_least=True),
    "llm.invented": Goal(0, is_least=False),
    "voice.wer_ratio": Goal(1.3, is_least=False),
    "voice.realtime_factor": Goal(0.1, is_least=False),
}


def main() -> None:
    """Measure the models that are asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", choices=[*MEASURES, []], help="stt, llm, voice; all if none")
    parser.add_argument("--write", action="store_true", help="put the figures into the card")
    options = parser.parse_args()
    card: dict[str, Figures] = json.loads(CARD.read_text()) if CARD.exists() else {}
    for name in options.models or MEASURES:
        measured = MEASURES[name]()
        Console().print(_table(name, measured, card.get(name, {})))
        card[name] = card.get(name, {}) | measured
    if options.write:
        CARD.write_text(json.dumps(card, indent=2) + "\n")


def _table(name: str, measured: Figures, before: Figures) -> Table:
    table = Table("figure", "now", "card", "must be", "", title=name)
    for figure, value in measured.items():
        goal = GOALS.get(f"{name}.{figure}")
        mark = "" if goal is None else "✓" if goal.is_met(value) else "✗"
        table.add_row(figure, f"{value:.4g}", f"{before.get(figure, float('nan')):.4g}", str(goal or ""), mark)
    return table


if __name__ == "__main__":
    main()
