"""While the program runs, old conversations go by themselves."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from agent.conversations import upkeep
from agent.conversations.store import Conversations
from agent.conversations.turns import Turn
from agent.conversations.upkeep import looked_after
from agent.database import Database, DatabaseNewer


async def test_old_conversations_are_deleted_at_the_start_and_again_later(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "DAY_S", 0.01)
    old = datetime.now(UTC) - timedelta(days=31)
    async with looked_after(conversations, retention_days=30):
        for _ in range(2):
            begun = await conversations.begin(None, door="voice")
            await conversations.add(begun, Turn(door="voice", said="hello", answer="", heard="", at=old))
            while await conversations.get(begun):
                await asyncio.sleep(0.01)


async def test_a_newer_programs_database_stops_the_start(
    conversations: Conversations, database: Database, address: str
) -> None:
    await conversations.prepare()
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE landline_schema SET version = 999"))
    with pytest.raises(DatabaseNewer, match="newer Landline.*CONVERSATIONS_DATABASE"):
        async with looked_after(Conversations(Database(address), recordings=None), retention_days=30):  # type: ignore[arg-type]
            raise AssertionError("it must not start")


async def test_a_database_that_is_away_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    away = Conversations(Database("postgresql://127.0.0.1:1/none"), recordings=None)  # type: ignore[arg-type]
    async with looked_after(away, retention_days=30):
        assert "database is away" in caplog.text
