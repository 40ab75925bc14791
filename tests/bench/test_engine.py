"""What the engines' steps and times become in the results."""

import pytest

from bench.engine import Llama, Others, figures, new_tokens
from bench.engines.decoding import (
    LEAST_REPEATS,
    LEAST_STEPS,
    MOST_REPEATS,
    MOST_STEPS,
    ROW_BUDGET_S,
    Freed,
    Rate,
    Step,
    freed_after,
    goes_on,
    pauses_s,
    steps_within,
    tokens_per_s,
)
from bench.engines.hearing import Heard
from bench.engines.remembering import Memory, Reading
from bench.engines.speaking import Spoken


def step(begin_s: float, end_s: float, *sequences: int, tokens: int | None = None) -> Step:
    return Step(begin_s, end_s, sequences, len(sequences) if tokens is None else tokens)


ROUNDS = [step(0.0, 1.0, 0, 1), step(1.5, 2.0, 0, 1), step(2.25, 3.0, 0, 1)]


def test_the_rate_counts_the_time_between_steps_too() -> None:
    assert tokens_per_s(ROUNDS) == 2.0
    assert pauses_s(ROUNDS) == [0.5, 0.25]


def test_a_cancelled_place_is_free_with_the_step_that_reads_its_heirs_prompt() -> None:
    steps = [step(0.0, 1.0, 0, 1), step(1.0, 2.0, 0, 1), step(2.5, 3.0, 0, 1, tokens=9)]
    assert freed_after(steps, place=1, at_s=1.5) == Freed(after_ms=1000.0, steps=1)
    assert freed_after(steps, place=1, at_s=2.25) == Freed(after_ms=250.0, steps=0)


def test_a_place_that_nobody_takes_is_an_error() -> None:
    with pytest.raises(ValueError):
        freed_after(ROUNDS, place=1, at_s=0.5)


def test_a_slow_model_gets_fewer_steps_and_repeats() -> None:
    assert steps_within(ROW_BUDGET_S, step_s=0.0001) == MOST_STEPS
    assert steps_within(ROW_BUDGET_S, step_s=60.0) == LEAST_STEPS
    assert [goes_on(LEAST_REPEATS - 1, 99.0), goes_on(LEAST_REPEATS, 99.0)] == [True, False]
    assert [goes_on(MOST_REPEATS - 1, 0.0), goes_on(MOST_REPEATS, 0.0)] == [True, False]


def llama(efficiency: float) -> Llama:
    rates = [Rate(calls, 900.0, 1000.0, efficiency + calls / 1000, 1.0, 50.0) for calls in (1, 8)]
    memory = Memory(Reading(200, 200, 9.0), Reading(240, 30, 3.0), Reading(210, 12, 2.0), Reading(250, 25, 4.0))
    return Llama(rates, [Freed(0.5, 1), Freed(0.7, 1), Freed(0.9, 0)], memory)


def test_the_single_figures_are_those_of_eight_calls_and_the_settings_own_model() -> None:
    others = Others(Heard(1.5, {1: 30.0}, {1: 20.0}, 31.0, 50.0), Spoken(0.02, 15.0), 8.0)
    found = figures({"own.gguf": llama(0.9), "large.gguf": llama(0.5)}, others)
    assert found["llm_batch_efficiency"] == 0.908
    assert (found["cancel_ms"], found["cancel_steps"]) == (0.7, 1)
    assert (found["second_turn_new_tokens"], found["second_turn_read_tokens"]) == (40, 30)
    assert (found["new_call_cached_tokens"], found["back_from_host_read_tokens"]) == (198, 25)
    assert list(found["llm"]) == ["own.gguf", "large.gguf"]  # type: ignore[call-overload]


def test_what_is_new_in_a_second_turn_is_what_the_first_had_not() -> None:
    assert new_tokens(llama(1.0).memory) == 40
