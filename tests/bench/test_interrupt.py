"""Reading a barge-in off the levels that the caller heard."""

import pytest

from agent.caller.line import Level
from bench.interrupt import BargeIn, figures, measured

BEFORE = [-12.0] * 100


def levels(*stretches: tuple[float, int]) -> list[Level]:
    """Frames of 10 ms from the onset at 5 s on: so many at each level."""
    decibels = [db for db, count in stretches for _ in range(count)]
    moments = [5.0 + 0.01 * (number + 1) for number in range(len(decibels))]
    return [Level(at_s, db, at_s if db > -40 else None) for at_s, db in zip(moments, decibels, strict=True)]


def test_an_agent_that_ducks_and_falls_silent() -> None:
    found = measured(levels((-12, 8), (-28, 12), (-90, 80)), before=BEFORE, onset_s=5.0)
    assert found.duck_ms == pytest.approx(80)
    assert found.silent_ms == pytest.approx(200)


def test_a_pause_between_words_is_no_duck() -> None:
    found = measured(levels((-12, 3), (-50, 5), (-12, 5), (-90, 87)), before=BEFORE, onset_s=5.0)
    assert found.duck_ms == pytest.approx(130)


def test_an_agent_that_speaks_on_did_not_heed_the_caller() -> None:
    assert measured(levels((-12, 100)), before=BEFORE, onset_s=5.0) == BargeIn(None, None)


def test_medians_are_of_what_was_heeded() -> None:
    found = figures([BargeIn(80, 200), BargeIn(90, 220), BargeIn(100, 300), BargeIn(None, None)])
    assert (found["duck_ms"], found["silent_ms"], found["unheeded"]) == (90, 220, 1)
