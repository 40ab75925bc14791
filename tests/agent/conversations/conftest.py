"""Databases to test on: a SQLite file, and a real Postgres of its own on loopback."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from agent.call_record import CallRecords
from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.database import METADATA, Database
from tests.postgres import running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a Postgres server that lives as long as the tests."""
    with running_postgres() as address:
        yield address


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
def calls(tmp_path: Path) -> CallRecords:
    """No running calls."""
    return CallRecords(tmp_path / "calls")


@pytest.fixture
def conversations(database: Database, recordings: Recordings, calls: CallRecords) -> Conversations:
    """No conversations yet."""
    return Conversations(database, recordings=recordings, calls=calls)
