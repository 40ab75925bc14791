"""What went wrong is told to the engine, also what happened while that was away."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from agent import reporting
from agent.reporting import Reports
from plugins.client import EngineClient
from plugins.errors import EngineUnavailable


@dataclass
class FakeEngine:
    """Counts what it is told, unless it is away."""

    is_away: bool = False
    asked: int = 0
    told: list[tuple[str, dict[str, int]]] = field(default_factory=list[tuple[str, dict[str, int]]])

    async def report_errors(self, kinds: Mapping[str, int], *, process: str) -> None:
        self.asked += 1
        if self.is_away:
            raise EngineUnavailable("away")
        self.told.append((process, dict(kinds)))


async def until(engine: FakeEngine, *, asked: int) -> None:
    async with asyncio.timeout(5):
        while engine.asked < asked:
            await asyncio.sleep(0)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(reporting, "AGAIN_S", 0.0)
    return FakeEngine()


async def test_trouble_is_told_once_the_engine_is_back(engine: FakeEngine) -> None:
    reports = Reports(cast(EngineClient, engine), process="worker")
    engine.is_away = True
    reports.trouble("stt_error")
    await until(engine, asked=2)
    reports.trouble("stt_error")
    engine.is_away = False
    await until(engine, asked=engine.asked + 1)
    await reports.aclose()
    assert engine.told == [("worker", {"stt_error": 2})]


async def test_what_the_engine_refused_it_has_counted_itself(engine: FakeEngine) -> None:
    reports = Reports(cast(EngineClient, engine))
    for kind in ("engine_busy", "model_missing", "engine_unavailable", "conversations_away"):
        reports.trouble(kind)
    await until(engine, asked=1)
    await reports.aclose()
    assert engine.told == [("web", {"engine_unavailable": 1, "conversations_away": 1})]
