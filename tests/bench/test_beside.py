"""The stock agent's worker, as the benchmark starts and ends it."""

import asyncio
from pathlib import Path

import pytest

from bench.stock import beside
from bench.stock.beside import stock_worker


async def test_a_worker_that_does_not_start_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEKIT_API_SECRET", "too short")
    async with asyncio.timeout(beside.START_S / 2):
        with pytest.raises(RuntimeError, match="did not start"):
            async with stock_worker(None, log=tmp_path / "log"):
                pass
    assert "LIVEKIT_API_SECRET" in (tmp_path / "log").read_text()
