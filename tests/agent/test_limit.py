"""How many calls a worker takes, as the engine sees it."""

from pathlib import Path

from agent.limit import LAG_ASKS, Limit, fitting
from plugins.client import EngineClient


def test_every_line_counts_until_the_engine_has_spoken() -> None:
    assert Limit(lines=8).calls == 8


def test_the_limit_falls_only_when_whoever_was_let_in_has_arrived() -> None:
    limit = Limit(lines=8)
    limit.learn(8)
    for _ in range(LAG_ASKS - 1):
        limit.learn(2)
    assert limit.calls == 8
    limit.learn(2)
    assert limit.calls == 2


def test_the_limit_rises_at_once() -> None:
    limit = Limit(lines=8)
    limit.learn(2)
    limit.learn(5)
    assert limit.calls == 5


def test_what_the_engine_said_last_counts_for_callers_whom_no_door_has_let_in() -> None:
    limit = Limit(lines=8)
    assert limit.newest == 8
    limit.learn(5)
    limit.learn(2)
    assert limit.newest == 2


def test_there_are_never_more_calls_than_lines() -> None:
    limit = Limit(lines=4)
    limit.learn(16)
    assert limit.calls == 4


def test_an_engine_that_is_away_limits_nothing() -> None:
    limit = Limit(lines=8)
    for _ in range(LAG_ASKS):
        limit.learn(1)
    limit.learn(None)
    assert limit.calls == 8


async def test_nobody_knows_what_an_engine_that_is_away_could_carry(tmp_path: Path) -> None:
    async with EngineClient(f"unix:{tmp_path}/engine.sock") as engine:
        assert await fitting(engine) is None
