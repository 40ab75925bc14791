"""How many calls fit: from what calls cost and what callers wait for. Time passes when a test says so."""

import math

import pytest

from plugins.server.capacity import (
    ALONE_S,
    COMPUTING_MS,
    TURN_MEMORY_S,
    UNSEEN_MS,
    WORST_MS,
    Capacity,
    Share,
    Work,
    crowding,
    quietest,
    slow,
    wait_s,
)

FAST_MS = 500.0 - UNSEEN_MS


def measured(*, calls: int, busy: float, piece_s: float, lines: int = 16, target_ms: float = 1200) -> Capacity:
    """A minute of `calls` calls that keep one model busy for a share of the time, and one turn heard after 500 ms."""
    capacity = Capacity(lines=lines, target_ms=target_ms)
    seconds = 60.0
    pieces = round(busy * seconds / piece_s)
    capacity.learn(seconds, calls=calls, done={"llama": Work(busy * seconds, busy * seconds, pieces * piece_s**2)})
    capacity.answered(FAST_MS, calls=calls)
    return capacity


def test_all_lines_fit_while_nothing_is_measured() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    assert capacity.fits(0) == 8
    assert capacity.predicted_ms(1) is None


def test_the_heard_latency_counts_the_way_to_the_callers_ear() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.answered(400, calls=1)
    assert capacity.predicted_ms(1) == 400 + UNSEEN_MS


def test_one_more_call_is_predicted_to_wait_longer() -> None:
    capacity = measured(calls=2, busy=0.4, piece_s=0.2)
    assert capacity.predicted_ms(2) == pytest.approx(500)
    three, four = capacity.predicted_ms(3), capacity.predicted_ms(4)
    assert three is not None and four is not None
    assert 500 < three < four


def test_calls_fit_up_to_the_target() -> None:
    capacity = measured(calls=2, busy=0.4, piece_s=0.2)
    fits = capacity.fits(2)
    within, beyond = capacity.predicted_ms(fits), capacity.predicted_ms(fits + 1)
    assert within is not None and within <= 1200
    assert beyond is not None and beyond > 1200


def test_a_model_that_would_never_rest_takes_no_further_call() -> None:
    assert measured(calls=4, busy=0.9, piece_s=0.01).fits(4) == 4


def test_processors_that_others_keep_busy_take_no_further_call() -> None:
    capacity = Capacity(lines=16, target_ms=1200, cores=2)
    capacity.learn(60, calls=4, done={}, processor_s=60 * 1.2)  # the engine itself has hardly anything to do
    capacity.answered(FAST_MS, calls=4)
    now, more = capacity.predicted_ms(4), capacity.predicted_ms(6)
    assert now == pytest.approx(500) and more is not None and more > 600
    assert capacity.predicted_ms(7) == WORST_MS
    assert 4 < capacity.fits(4) < 7


def test_a_burst_of_work_does_not_make_calls_dearer() -> None:
    capacity = Capacity(lines=16, target_ms=1200, cores=2)
    for processor_s in (0.8, 0.8, 0.8, 1.9, 0.8, 0.8):
        capacity.learn(1, calls=4, done={}, processor_s=processor_s)
    capacity.answered(FAST_MS, calls=4)
    usually = Capacity(lines=16, target_ms=1200, cores=2)
    usually.learn(1, calls=4, done={}, processor_s=0.8)
    usually.answered(FAST_MS, calls=4)
    assert capacity.predicted_ms(8) == pytest.approx(usually.predicted_ms(8))


def test_what_others_keep_busy_does_not_grow_with_calls() -> None:
    capacity = Capacity(lines=16, target_ms=1200, cores=2)
    capacity.learn(ALONE_S, calls=0, done={}, processor_s=ALONE_S * 0.6)
    capacity.learn(12, calls=1, done={}, processor_s=12 * 0.8)
    capacity.answered(FAST_MS, calls=1)
    predicted_ms = capacity.predicted_ms(4)
    growth_ms = COMPUTING_MS * (crowding(0.6 + 4 * 0.2, cores=2) - crowding(0.6 + 0.2, cores=2))
    assert predicted_ms == pytest.approx(500 + growth_ms)


def test_others_that_have_ended_do_not_make_calls_cheap() -> None:
    capacity = Capacity(lines=16, target_ms=1200, cores=2)
    capacity.learn(ALONE_S, calls=0, done={}, processor_s=ALONE_S * 1.5)  # a folder was read in
    for _ in range(60):
        capacity.learn(1, calls=2, done={}, processor_s=0.8)
        capacity.learn(1, calls=2, done={}, processor_s=0.2)
    capacity.answered(FAST_MS, calls=2)
    predicted_ms = capacity.predicted_ms(8)
    assert predicted_ms is not None and predicted_ms > 500 + COMPUTING_MS * crowding(1.0, cores=2)


def test_a_moment_without_calls_tells_nothing_of_others() -> None:
    capacity = Capacity(lines=16, target_ms=1200, cores=2)
    capacity.learn(ALONE_S / 2, calls=0, done={}, processor_s=ALONE_S)  # models are loaded
    capacity.learn(12, calls=1, done={}, processor_s=12 * 0.2)
    capacity.answered(FAST_MS, calls=1)
    growth_ms = COMPUTING_MS * (crowding(0.8, cores=2) - crowding(0.2, cores=2))
    assert capacity.predicted_ms(4) == pytest.approx(500 + growth_ms)


def test_one_caller_who_talks_by_fits_and_starts_costs_what_it_costs_on_average() -> None:
    capacity = Capacity(lines=16, target_ms=1200, cores=2)
    for processor_s in (0.5, 0.1) * 6:
        capacity.learn(1, calls=1, done={}, processor_s=processor_s)
    capacity.answered(FAST_MS, calls=1)
    predicted_ms = capacity.predicted_ms(4)
    assert predicted_ms is not None and predicted_ms < 500 + COMPUTING_MS * crowding(4 * 0.3, cores=2)


def test_the_quietest_part_of_the_time() -> None:
    assert quietest([], part=0.5) == 0
    assert quietest([Share(0.9, 1), Share(0.2, 1), Share(0.4, 1)], part=2 / 3) == pytest.approx(0.3)
    assert quietest([Share(0.9, 5), Share(0.2, 1)], part=0.5) == pytest.approx((0.2 + 2 * 0.9) / 3)


def test_a_computation_takes_as_much_longer_as_it_has_to_share() -> None:
    assert crowding(0.0, cores=2) == 0
    assert crowding(0.5, cores=1) == pytest.approx(1)
    assert crowding(1.0, cores=2) == pytest.approx(1 / 3)
    assert crowding(2.0, cores=2) == math.inf


def test_cheap_calls_fill_every_line() -> None:
    assert measured(calls=1, busy=0.01, piece_s=0.01, lines=8).fits(1) == 8


def test_slow_answers_keep_the_next_caller_out() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.answered(1500, calls=2)
    assert capacity.fits(2) == 2


def test_the_first_call_always_fits() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.answered(5000, calls=1)
    assert capacity.fits(0) == 1


def test_what_many_calls_waited_says_nothing_about_few() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.answered(5000, calls=8)
    assert capacity.fits(1) == 7


def test_a_slow_minute_is_forgotten() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.answered(1500, calls=1)
    capacity.learn(TURN_MEMORY_S, calls=1, done={})
    assert capacity.fits(1) == 8


def test_running_calls_are_never_more_than_fit() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.answered(5000, calls=5)
    assert capacity.fits(5) == 5


def test_without_a_target_the_lines_decide() -> None:
    capacity = Capacity(lines=8, target_ms=0)
    capacity.answered(5000, calls=1)
    assert capacity.fits(1) == 8


def test_quiet_minutes_without_calls_do_not_make_calls_cheaper() -> None:
    capacity = measured(calls=2, busy=0.4, piece_s=0.2)
    before = capacity.predicted_ms(4)
    capacity.learn(10, calls=0, done={"llama": Work(24, 24, 4.8)})
    assert capacity.predicted_ms(4) == before


def test_an_older_cost_gives_way_to_a_newer_one() -> None:
    capacity = measured(calls=2, busy=0.4, piece_s=0.2)
    before = capacity.fits(2)
    capacity.learn(50, calls=2, done={"llama": Work(24, 24, 4.8)})
    assert capacity.fits(2) > before


def test_the_worst_prediction_is_finite() -> None:
    capacity = Capacity(lines=8, target_ms=1200)
    capacity.learn(1, calls=1, done={"llama": Work(1, 1, 1)})
    assert capacity.predicted_ms(2) == WORST_MS


def test_urgent_work_waits_for_the_piece_that_runs_and_the_urgent_before_it() -> None:
    half_busy = Work(busy_s=0.5, urgent_s=0.5, squares_s2=0.5 * 0.2)
    assert wait_s(half_busy, load=1) == pytest.approx(0.5 * 0.1 / 0.5)
    assert wait_s(half_busy, load=2) == math.inf


def test_speculative_work_delays_by_one_piece_at_most() -> None:
    idle_guesses = Work(busy_s=0.9, urgent_s=0.0, squares_s2=0.9 * 0.2)
    assert wait_s(idle_guesses, load=10) == pytest.approx(0.1)


@pytest.mark.parametrize(("values", "expected"), [([1.0], 1.0), ([1.0, 2.0], 2.0), ([float(n) for n in range(20)], 17)])
def test_one_slow_turn_of_ten_is_forgiven(values: list[float], expected: float) -> None:
    assert slow(values) == expected
