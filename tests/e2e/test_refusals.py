"""Data that this program cannot use: `landline up` says so once, names it and the way out, and ends."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.database import SCHEMA_VERSION, Database
from agent.keys import VERSION, KeyStore
from agent.settings import ROOT
from agent.supervisor import REFUSED
from tests.system import free_ports

pytestmark = pytest.mark.e2e

WITHIN_S = 60


async def newer_conversations(data: Path) -> None:
    database = Database(str(data / "conversations.db"))
    await database.prepare()
    await database.aclose()
    change(data / "conversations.db", f"UPDATE landline_schema SET version = {SCHEMA_VERSION + 1}")


async def newer_keys(data: Path) -> None:
    KeyStore(data / "keys.db").create("shop", ["chat"])
    change(data / "keys.db", f"PRAGMA user_version = {VERSION + 1}")


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize(("file", "make"), [("conversations.db", newer_conversations), ("keys.db", newer_keys)])
async def test_a_newer_programs_data_ends_the_start_with_the_way_out(
    tmp_path: Path, file: str, make: Callable[[Path], Awaitable[None]]
) -> None:
    (tmp_path / "data").mkdir()
    await make(tmp_path / "data")
    code, told = await up(tmp_path)
    lines = [line for line in told.splitlines() if file in line]
    assert code == REFUSED and len(lines) == 1, told
    assert "newer Landline" in lines[0] and "away" in lines[0] and "web does not start" in told
    assert "starts again" not in told and "Traceback" not in told


async def up(folder: Path) -> tuple[int | None, str]:
    """`landline up` until it ends: its exit code and what it wrote."""
    livekit, _, _, web, health = free_ports(5)
    own = {"LIVEKIT_PORT": livekit, "WEB_PORT": web, "WORKER_HEALTH_PORT": health}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "up"),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LOG_FORMAT": "text"} | {k: str(v) for k, v in own.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode, told.decode()
