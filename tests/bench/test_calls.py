"""How many calls a machine carries: what is counted, where the knee is, who says what when."""

import json
from typing import Any

import pytest

from agent.caller.report import TurnReport
from bench.callers import TALK_JSON, Share, Talk, rotated, shares
from bench.model_sets import ModelSet
from bench.rows import OWN, SHARED, Lateness, Row, at_target, figures, is_past_knee, mb_per_further_call, table
from bench.usage import Snapshot, busiest


def turn(heard_ms: float | None, *, is_cut_off: bool = False) -> TurnReport:
    stages = {"first_token_ms": 100.0}
    return TurnReport("voice", "said", "heard", "answer", heard_ms=heard_ms, is_cut_off=is_cut_off, stages=stages)


def row(calls: int, *heard_ms: float | None, private_mb: float = 0.0, failed_calls: int = 0) -> Row:
    talk = Talk([turn(one) for one in heard_ms], failed_calls=failed_calls)
    return Row.of(calls, talk, cores={"engine": 0.25}, private_mb=private_mb)


def test_latencies_are_those_of_answered_questions() -> None:
    found = row(2, 400, None, 600, 500)
    assert (found.asked, found.answered, found.p50_ms, found.p95_ms) == (4, 3, 500, 600)
    assert found.waterfall_ms == {"first_token_ms": 100.0}


def test_what_the_whole_client_heard_and_what_was_predicted_stand_beside_it() -> None:
    talk = Talk([turn(400), turn(600), turn(800)], whole_ms=[600.0])
    found = Row.of(3, talk, cores={}, private_mb=0.0, predicted_ms=900.0)
    assert (found.p95_ms, found.whole_p50_ms, found.predicted_ms) == (800, 600, 900)


def test_a_row_without_an_answer_has_no_latency_and_reaches_nothing() -> None:
    found = row(2, None, None)
    assert found.p95_ms is None
    assert not found.reaches(1200)


def test_fast_answers_to_few_do_not_reach_the_target() -> None:
    assert row(2, *[500] * 19, None).reaches(1200)
    assert not row(2, *[500] * 9, None).reaches(1200)
    assert not row(2, *[500] * 20, failed_calls=1).reaches(1200)


def test_the_largest_number_that_was_answered_in_time_counts() -> None:
    rows = [row(1, 500), row(2, 1300), row(4, 1100), row(8, 2000)]
    assert at_target(rows, 1200) == 4
    assert at_target(rows, 100) == 0


def test_the_knee_is_passed_with_the_second_row_beyond_the_target() -> None:
    assert not is_past_knee([row(1, 500), row(2, 1300)], 1200)
    assert not is_past_knee([row(1, 1300), row(2, 500)], 1200)
    assert is_past_knee([row(1, 500), row(2, 1300), row(4, 1900)], 1200)


def test_memory_per_further_call_leaves_out_what_is_there_anyway() -> None:
    rows = [row(1, 500, private_mb=700), row(2, 500, private_mb=750), row(5, 500, private_mb=860)]
    assert mb_per_further_call(rows) == 40
    assert mb_per_further_call(rows[:1]) is None


def test_lateness_tells_a_starved_caller() -> None:
    assert Lateness.of([0] * 96 + [30, 40, 50, 60]) == Lateness(p95_ms=0, max_ms=60, late_share=0.04)
    assert Lateness.of([]) == Lateness(p95_ms=0, max_ms=0, late_share=0)


def test_what_several_processes_heard_is_counted_together() -> None:
    together = Talk([turn(400)], 1, [0, 3], [400]) + Talk([turn(None)], 0, [25])
    assert together == Talk([turn(400), turn(None)], 1, [0, 3, 25], [400])


def test_a_talk_survives_the_way_between_processes() -> None:
    talk = Talk([turn(400, is_cut_off=True), turn(None)], 1, [0, 12])
    assert TALK_JSON.validate_json(TALK_JSON.dump_json(talk)) == talk


def test_every_caller_begins_elsewhere_in_the_same_pool() -> None:
    pool = ["a", "b", "c", "d", "e", "f"]
    assert [rotated(pool, number=number, total=3)[0] for number in range(3)] == ["a", "c", "e"]
    assert rotated(pool, number=1, total=3) == ["c", "d", "e", "f", "a", "b"]


def test_one_of_few_callers_has_the_whole_client_and_the_light_ones_share_processes() -> None:
    names = [str(number) for number in range(6)]
    assert shares(names, most=4) == [Share(names[:4], 0, 6, is_light=True), Share(names[4:], 4, 6, is_light=True)]
    assert shares(names[:2]) == [Share(names[:1], 0, 2), Share(names[1:2], 1, 2, is_light=True)]
    assert shares(names[:1]) == [Share(names[:1], 0, 1)]
    assert shares(names[:1], comparing=False) == [Share(names[:1], 0, 1, is_light=True)]


def test_cores_are_those_used_between_two_moments() -> None:
    before, after = Snapshot(10.0, {1: 5.0, 2: 7.0}), Snapshot(20.0, {1: 10.0, 3: 2.0})
    assert after.since(before) == {1: 0.5, 3: 0.2}


def test_job_processes_with_a_call_are_those_that_work() -> None:
    assert busiest({1: 0.9, 2: 0.01, 3: 0.2, 4: 0.3}, among={2, 3, 4, 5}, count=2) == [4, 3]


def test_every_model_set_has_an_engine_and_a_name_of_its_own() -> None:
    sets = [ModelSet.number(number, health_port=9001 + number) for number in range(3)]
    parts = [part for one in sets for part in one.parts()]
    assert len({one.agent for one in sets}) == 3
    assert len({part.name for part in parts}) == 6
    assert len({part.environment["ENGINE_URL"] for part in parts}) == 3
    assert len({part.environment["WORKER_HEALTH_PORT"] for part in parts}) == 3


@pytest.fixture
def columns() -> dict[str, list[Row]]:
    return {
        SHARED: [row(1, 500, private_mb=700), row(4, 1100, private_mb=850)],
        OWN: [row(1, 600, private_mb=700), row(2, 2000, private_mb=1350)],
    }


def test_the_results_hold_both_ways_of_using_models(columns: dict[str, list[Row]]) -> None:
    found: dict[str, Any] = json.loads(json.dumps(figures(columns, 1200)))
    assert (found["at_target"], found["private_mb_per_call"], found["per_call_engines_mb_per_call"]) == (4, 50, 650)
    assert [one["calls"] for one in found["rows"]] == [1, 4]
    assert [one["p95_ms"] for one in found["per_call_engines"]] == [600, 2000]
    assert "per_call_engines" not in figures({SHARED: columns[SHARED]}, 1200)


def test_the_table_has_a_column_for_each_number_of_calls(columns: dict[str, list[Row]]) -> None:
    found = table(columns, 1200)
    assert [column.header for column in found.columns] == ["calls", "1", "4", "1*", "2*"]
    assert "4 calls" in str(found.caption)
