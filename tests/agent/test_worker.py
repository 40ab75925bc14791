"""How many calls a worker takes, and what it tells LiveKit."""

import pickle
from pathlib import Path

import pytest

from agent.call import prewarm, take_call
from agent.settings import Settings
from agent.worker import ALMOST_FULL, LAUNCH_S, STANDSTILL_MS, Lines, Worker, stay_local, watch_loops_rarely

LIVEKIT_LIMIT = 0.7


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_call_on_its_way_to_a_process_holds_a_line() -> None:
    lines = Lines(max_calls=2)
    assert lines.take("a", running=set())
    assert lines.take("b", running=set())
    assert not lines.take("c", running=set())


def test_a_running_call_is_counted_once() -> None:
    lines = Lines(max_calls=2)
    lines.take("a", running=set())
    assert lines.taken({"a"}) == 1
    assert lines.take("b", running={"a"})


def test_an_ended_call_frees_its_line() -> None:
    lines = Lines(max_calls=1)
    lines.take("a", running=set())
    assert lines.taken({"a"}) == 1
    assert lines.take("b", running=set())


def test_a_call_that_never_started_is_forgotten() -> None:
    clock = Clock()
    lines = Lines(max_calls=1, clock=clock)
    lines.take("a", running=set())
    clock.now = LAUNCH_S
    assert lines.take("b", running=set())


@pytest.mark.parametrize(("calls", "load"), [(0, 0.0), (2, ALMOST_FULL / 2), (4, ALMOST_FULL), (5, ALMOST_FULL)])
def test_livekit_hears_how_many_lines_are_taken(calls: int, load: float) -> None:
    running = {str(number) for number in range(calls)}
    assert Lines(max_calls=4).load(running, fitting=4) == pytest.approx(load)


def test_a_worker_whose_engine_can_carry_no_more_is_as_loaded_as_a_full_one() -> None:
    lines = Lines(max_calls=8)
    assert lines.load({"a"}, fitting=2) < ALMOST_FULL
    assert lines.load({"a", "b"}, fitting=2) == ALMOST_FULL
    assert lines.load({"a"}, fitting=0) == ALMOST_FULL


def test_a_call_that_was_let_in_is_taken_while_there_is_a_line() -> None:
    assert Lines(max_calls=2).take("b", running={"a"})


def test_a_full_machine_can_still_be_sent_a_call_that_broke() -> None:
    assert ALMOST_FULL < LIVEKIT_LIMIT


async def test_a_worker_is_not_ready_before_livekit_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Worker(Settings()).describe() == {"status": "starting", "calls": 0, "max_calls": 8}


def test_what_goes_to_a_job_process_can_be_sent_there() -> None:
    settings = Settings()
    assert settings.turn.detector == "words"
    received: Settings = pickle.loads(pickle.dumps(settings))
    assert received.turn == settings.turn
    assert pickle.loads(pickle.dumps((prewarm, take_call))) == (prewarm, take_call)


def test_hosted_services_are_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("LIVEKIT_DEV_MODE", "1")
    monkeypatch.setenv("LIVEKIT_REMOTE_EOT_URL", "https://somewhere")
    monkeypatch.setenv("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "1")
    stay_local(with_turn_model=False)
    assert "LIVEKIT_DEV_MODE" not in os.environ
    assert "LIVEKIT_REMOTE_EOT_URL" not in os.environ
    assert os.environ["LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"] == "0"


def test_event_loops_are_watched_for_long_standstills_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from livekit.agents.telemetry.loop_monitor import LoopMonitorThresholds

    monkeypatch.setenv("LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS", "100")
    watch_loops_rarely()
    thresholds = LoopMonitorThresholds.from_env()
    assert thresholds and thresholds.warn * 1000 == STANDSTILL_MS
