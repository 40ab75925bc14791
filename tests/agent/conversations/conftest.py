"""Databases to test on: a SQLite file, and a real Postgres of its own on loopback."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.database import METADATA, Database
from tests.system import free_ports

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a Postgres server that lives as long as the tests; it refuses to run as root."""
    if not POSTGRES:
        pytest.fail("Postgres is missing: `python3 tools/setup.py test` installs it")
    folder = Path(tempfile.mkdtemp(prefix="landline-postgres-"))
    folder.chmod(0o755)
    data, (port,) = folder / "data", free_ports(1)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    _as_postgres(POSTGRES[-1].with_name("initdb"), "-D", data, "-U", "landline", "-A", "trust", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    _as_postgres(POSTGRES[-1], "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://landline@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres(POSTGRES[-1], "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _as_postgres(*command: str | Path) -> None:
    user = {"user": "postgres", "extra_groups": ()} if os.geteuid() == 0 else {}
    home = pwd.getpwnam("postgres").pw_dir if user else Path.home()
    subprocess.run(list(map(str, command)), cwd=home, check=True, stdout=subprocess.DEVNULL, **user)  # type: ignore[call-overload]


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "conversations.db")
    return request.getfixturevalue("postgres")


@pytest_asyncio.fixture
async def database(address: str) -> AsyncIterator[Database]:
    """An empty database."""
    database = Database(address)
    yield database
    if not database.is_sqlite:
        async with database.transaction() as connection:
            for table in METADATA.sorted_tables:
                await connection.execute(text(f"DROP TABLE {table.name} CASCADE"))
    await database.aclose()


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    """An empty folder of recordings."""
    return Recordings(tmp_path / "recordings")


@pytest.fixture
def conversations(database: Database, recordings: Recordings) -> Conversations:
    """No conversations yet."""
    return Conversations(database, recordings=recordings)
