"""A server that keeps failing is left alone, then tried by one request."""

from plugins.outside.breaker import Breaker


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def failing(clock: Clock) -> Breaker:
    breaker = Breaker(failures=2, pause_s=10, clock=clock)
    for _ in range(2):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_after_failures_in_a_row_nobody_asks() -> None:
    assert not failing(Clock()).admits()


def test_one_failure_between_successes_changes_nothing() -> None:
    breaker = Breaker(failures=2, pause_s=10, clock=Clock())
    for _ in range(3):
        breaker.failed()
        breaker.succeeded()
    assert breaker.admits()


def test_after_the_pause_one_request_tries_alone() -> None:
    clock = Clock()
    breaker = failing(clock)
    clock.now_s = 10
    assert breaker.admits()
    assert not breaker.admits()


def test_a_trial_that_succeeds_lets_everybody_in() -> None:
    clock = Clock()
    breaker = failing(clock)
    clock.now_s = 10
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits() and breaker.admits()


def test_a_trial_that_fails_begins_another_pause() -> None:
    clock = Clock()
    breaker = failing(clock)
    clock.now_s = 10
    assert breaker.admits()
    breaker.failed()
    clock.now_s = 19
    assert not breaker.admits()
    clock.now_s = 20
    assert breaker.admits()
