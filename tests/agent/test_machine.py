"""What `landline up` puts together."""

import asyncio
import sys
from pathlib import Path

import pytest

from agent import machine
from agent.machine import running_machine
from agent.settings import Settings
from agent.supervisor import Console, Part
from tests.system import free_ports


def engine() -> Part:
    """A process that is ready at once."""

    async def is_ready() -> bool:
        return True

    return Part("engine", (sys.executable, "-c", "import time; time.sleep(60)"), is_ready)


@pytest.mark.parametrize(("there", "is_fed"), [("", True), (".ingest.lock", True), ("chunks.lance", False)])
async def test_demo_documents_go_in_until_others_have(
    there: str, is_fed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "knowledge" / there).mkdir(parents=True)
    web, livekit, health, *_ = free_ports(3)
    ports = {"WEB_PORT": web, "LIVEKIT_PORT": livekit, "WORKER_HEALTH_PORT": health, "WORKER_COUNT": 1}
    for name, value in {"KNOWLEDGE_URI": tmp_path / "knowledge", **ports}.items():
        monkeypatch.setenv(name, str(value))
    fed: list[Console] = []

    async def ingest_demo(console: Console) -> None:
        fed.append(console)

    monkeypatch.setattr(machine, "_ingest_demo", ingest_demo)
    async with asyncio.timeout(20), running_machine(Settings(), log=tmp_path / "log", members=[engine()]):
        assert bool(fed) == is_fed
