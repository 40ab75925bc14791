"""The table that the README quotes."""

import json

from agent.settings import ROOT
from bench.results import LATEST
from bench.table import LINES, TABLE, markdown

MEASURED = {"machine": "A processor, 2 cores", "measured_at": "2026-11-21T12:00:00+00:00"}


def test_what_was_measured_stands_beside_its_goal() -> None:
    text = markdown({"heard": {"p50_ms": 431.4, "cutoff_rate": 0.05, **MEASURED}})
    assert "| heard latency, one call, p50 | 431 ms | ≤ 500 ms |" in text
    assert "| hesitating callers cut off | 5% | ≤ 5 % |" in text
    assert "A processor, 2 cores, 2026-11-21" in text


def test_what_was_not_measured_is_left_out() -> None:
    assert len(markdown({"heard": {"p50_ms": 431.4, **MEASURED}}).splitlines()) == 2 + 1 + 2


def test_a_figure_of_a_shorter_run_is_not_told_as_that_of_the_usual_one() -> None:
    text = markdown(
        {
            "noise": {"invented_words": 0, "minutes": 1.5, **MEASURED},
            "calls": {"at_target": 6, "target_ms": 3000.0, **MEASURED},
            "survival": {"memory_growth": 0.01, "counted_calls": 15, "calls": 40, **MEASURED},
        }
    )
    assert "| 0 in 1.5 minutes |" in text
    assert "| 6, p95 ≤ 3000 ms |" in text
    assert "| 1.0% in the last 15 of 40 |" in text


def test_the_readme_and_the_results_hold_the_same_table() -> None:
    table = markdown(json.loads(LATEST.read_text())).partition("\n\n")[0]
    assert table in TABLE.read_text() and table in (ROOT / "README.md").read_text()


def test_every_line_has_a_field_of_its_own() -> None:
    assert len({line.field for line in LINES}) == len(LINES)


def test_a_machine_that_was_not_quiet_is_told() -> None:
    text = markdown({"heard": {"stolen": 0.0, **MEASURED}, "calls": {"stolen": 0.12, **MEASURED}})
    assert text.rstrip().endswith("Others on the host took up to 12% of its processors meanwhile.")
    assert "Others" not in markdown({"heard": {"stolen": 0.01, **MEASURED}})
    assert "up to 5%" in markdown({"heard": {"stolen": 0.0, "standard_stolen": 0.05, **MEASURED}})
