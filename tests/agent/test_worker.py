"""What a worker takes on, and what its processes are given."""

import pickle
from pathlib import Path

import pytest

from agent.call import prewarm, take_call
from agent.settings import Settings
from agent.worker import STANDSTILL_MS, Worker, stay_local, watch_loops_rarely


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
