"""What jobs report, and what the engine says about the next call."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from plugins.errors import InvalidRequest

from .conftest import Bench


def turn(**changes: Any) -> dict[str, Any]:
    return {
        "door": "voice",
        "interrupted": False,
        "retried": False,
        "speculation": "used",
        "thrown_away": 2,
        "stages_ms": {"end_of_turn": 350.0, "decode": 40.0, "answered": 430.0},
    } | changes


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_the_stages_of_a_turn_become_histograms(bench: Bench) -> None:
    before = counted("turn_stage_duration_seconds_sum", stage="answered", door="voice")
    await bench.client.report_turn(turn())
    assert counted("turn_stage_duration_seconds_sum", stage="answered", door="voice") - before == pytest.approx(0.43)


async def test_used_and_thrown_away_answers_are_counted(bench: Bench) -> None:
    def both() -> tuple[float, float]:
        name = "turn_speculations_total"
        return counted(name, outcome="used"), counted(name, outcome="thrown_away")

    used, thrown_away = both()
    await bench.client.report_turn(turn())
    assert both() == (used + 1, thrown_away + 2)


async def test_what_callers_waited_lately_is_the_prediction(bench: Bench) -> None:
    assert (await bench.client.capacity())["predicted_ms"] is None
    await bench.client.report_turn(turn())
    capacity = await bench.client.capacity()
    assert (capacity["calls"], capacity["predicted_ms"]) == (0, 630.0)
    assert (await bench.client.capacity(calls=3))["predicted_ms"] == 630.0


@pytest.mark.parametrize("change", [{"door": "text"}, {"retried": True}, {"stages_ms": {"end_of_turn": 1.0}}])
async def test_turns_that_say_nothing_of_waiting_leave_the_prediction_alone(
    bench: Bench, change: dict[str, Any]
) -> None:
    await bench.client.report_turn(turn(**change))
    assert (await bench.client.capacity())["predicted_ms"] is None


async def test_an_open_ear_is_a_call(bench: Bench) -> None:
    async with bench.client.transcription():
        assert (await bench.client.capacity())["calls"] == 1


@pytest.mark.parametrize(
    "change", [{"stages_ms": {"what was said": 1.0}}, {"stages_ms": {"decode": -1.0}}, {"door": "window"}]
)
async def test_labels_are_from_a_short_list(bench: Bench, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await bench.client.report_turn(turn(**change))
