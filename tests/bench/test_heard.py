"""What a call's turns become in the results."""

import json
from pathlib import Path

import pytest

from agent.caller.report import TurnReport
from bench import results
from bench.heard import figures, questions, same_answers
from bench.results import percentile, save


def turn(heard_ms: float | None, *, ahead_ms: float = 0.0, is_cut_off: bool = False) -> TurnReport:
    stages = {"ahead_ms": ahead_ms, "retrieval_ms": 12.0}
    return TurnReport("voice", "said", "heard", "answer", heard_ms=heard_ms, is_cut_off=is_cut_off, stages=stages)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 31)]
    assert percentile(values, 0.95) == 29.0
    assert percentile([7.0], 0.95) == 7.0


def test_figures_count_what_was_cut_off_made_ahead_and_never_answered() -> None:
    ours = [turn(400, ahead_ms=90), turn(500), turn(None), turn(3, ahead_ms=50, is_cut_off=True), turn(600)]
    found = figures(
        {"landline": ours, "stock": [turn(1000)] * 3 + [turn(None)]}, [turn(700), turn(None, is_cut_off=True)]
    )
    assert found["p50_ms"] == 500
    assert found["p95_ms"] == 600
    assert found["unanswered"] == 1
    assert found["cutoff_rate"] == 0.5
    assert found["cutoff_rate_plain"] == 0.2
    assert found["made_ahead_rate"] == 0.4
    assert found["stock_ratio"] == 0.45
    assert found["stock_unanswered"] == 1
    assert found["waterfall_ms"] == {"retrieval_ms": 12, "ahead_ms": 0}


def test_what_documents_add_is_the_difference_of_the_medians() -> None:
    columns = {"landline": [turn(400), turn(450), turn(480)], "without documents": [turn(390), turn(440), turn(900)]}
    assert figures(columns, ())["documents_ms"] == 10


def test_answers_are_the_same_if_they_begin_alike_as_far_as_they_were_heard() -> None:
    def said(*answers: str) -> list[TurnReport]:
        return [TurnReport("voice", "said", "heard", answer) for answer in answers]

    ours = said("Breakfast is served", "Parking costs", "", "We open")
    theirs = said("breakfast is", "Dogs are", "", "We open at nine.")
    assert same_answers(ours, theirs) == 0.5


def test_there_are_as_many_questions_as_wanted() -> None:
    assert len(questions(45)) == 45


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "LATEST", tmp_path / "results" / "latest.json")
    save("heard", {"p50_ms": 1})
    save("calls", {"at_target": 4})
    save("heard", {"p50_ms": 2})
    found = json.loads(results.LATEST.read_text())
    assert found["heard"]["p50_ms"] == 2
    assert found["calls"]["at_target"] == 4
    assert "cores" in found["heard"]["machine"]


def test_figures_of_standard_models_stand_beside_the_starters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "LATEST", tmp_path / "latest.json")
    save("heard", {"p50_ms": 1})
    save("heard", {"p50_ms": 7, "stock_p50_ms": 9}, family="standard")
    save("heard", {"p50_ms": 8}, family="standard")
    save("heard", {"p50_ms": 2})
    found = json.loads(results.LATEST.read_text())["heard"]
    assert (found["p50_ms"], found["standard_p50_ms"]) == (2, 8)
    assert "standard_stock_p50_ms" not in found
    assert found["standard_measured_at"]


def test_a_run_without_hesitating_callers_counts_no_cut_offs_of_theirs() -> None:
    assert "cutoff_rate" not in figures({"landline": [turn(400)]}, ())
