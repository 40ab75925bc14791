"""What killed processes and many calls become in the results."""

import asyncio

import pytest

from agent.caller.errors import NoAgent
from bench.growth import AT_ONCE, Holding, Sample, Watch, growths, make, memory_growth, settled
from bench.survival import figures, growth_figures


def sample(calls: int, *, engine_mb: float = 100.0, **others: float) -> Sample:
    """Two calls a second."""
    memory = {"engine": engine_mb, **others}
    return Sample(
        calls, calls / 2, {name: Holding(mb, mb + 50, threads=calls // 10, files=7) for name, mb in memory.items()}
    )


def test_what_was_filled_by_the_first_calls_is_no_growth() -> None:
    samples = [sample(25, engine_mb=50), sample(50), sample(75, engine_mb=120), sample(100, engine_mb=103)]
    assert settled(samples).calls == 50
    assert memory_growth(samples) == pytest.approx(0.03)


def test_a_run_too_short_to_settle_is_compared_with_its_first_sample() -> None:
    assert memory_growth([sample(10), sample(20, engine_mb=150)]) == pytest.approx(0.5)


def test_each_process_has_its_own_growth() -> None:
    samples = [sample(50, web=40), sample(100, engine_mb=110, web=40, worker=9)]
    found = growths(samples)
    assert set(found) == {"engine", "web"}, "a process that started meanwhile has nothing to be compared with"
    assert found["engine"].memory == pytest.approx(0.1)
    assert (found["engine"].threads, found["engine"].files) == (5, 0)
    assert growth_figures(Watch(samples))["settled_private_mb"] == 140


def test_growth_is_told_with_the_number_of_calls_after_which_it_was_seen() -> None:
    found = growth_figures(Watch([sample(50), sample(75), sample(100)], failed=2))
    assert (found["calls"], found["counted_calls"], found["calls_failed"]) == (100, 50, 2)
    assert growth_figures(Watch([sample(25)])) == {}, "nothing to compare with"


def test_livekit_counts_by_itself_and_once_its_minute_is_over() -> None:
    samples = [sample(50, livekit=20), sample(200, livekit=90), sample(250, livekit=100), sample(500, livekit=105)]
    assert growths(samples)["livekit"].memory == pytest.approx(0.05)
    assert memory_growth(samples) == 0.0


def test_figures_show_the_middle_and_the_longest_of_the_tries() -> None:
    found = figures([(1.4, True), (0.9, True), (0.6, False)], [6.0, 5.0, 9.0])
    assert (found["worker_s"], found["worker_longest_s"]) == (0.9, 1.4)
    assert (found["engine_s"], found["engine_longest_s"]) == (6.0, 9.0)
    assert found["follow_ups_understood"] == pytest.approx(2 / 3)


async def test_calls_are_made_several_at_a_time_and_failed_ones_counted() -> None:
    running, most, made = 0, 0, list[int]()

    async def call(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        made.append(number)
        if number == 3:
            raise NoAgent("nobody came")

    assert await make(range(20), call) == 1
    assert sorted(made) == list(range(20))
    assert most == AT_ONCE
