"""Turns reach the database in the background; what is wrong there is no matter of the call's."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.conversations import scribe as module
from agent.conversations.recordings import Recordings
from agent.conversations.scribe import MOST_WAITING, Scribe
from agent.conversations.store import Conversations
from agent.conversations.turns import Message, Turn, new_id
from agent.database import Database, DatabaseError


def turn(said: str) -> Turn:
    return Turn(door="voice", said=said, answer="Yes.", heard="Yes.")


class Book:
    """A database that fails with `trouble` while there is some, and waits while `open` is not set."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.trouble = ""
        self.open = asyncio.Event()
        self.open.set()

    async def history(self, conversation_id: str, *, limit: int) -> list[Message]:
        await self.open.wait()
        self._fail()
        return [Message("user", said) for said in self.said][-limit:]

    async def add(self, conversation_id: str, turn: Turn) -> None:
        await self.open.wait()
        self._fail()
        self.said.append(turn.said)

    def _fail(self) -> None:
        if self.trouble:
            raise DatabaseError(self.trouble)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGAIN_S", "CLOSE_S", "EARLIER_S"):
        monkeypatch.setattr(module, name, 0.05)


@pytest.fixture
def book() -> Book:
    return Book()


@asynccontextmanager
async def writing(book: Book, *, on_lost: Callable[[int], None] = lambda _: None) -> AsyncIterator[Scribe]:
    scribe = Scribe(book, new_id(), on_lost=on_lost)
    yield scribe
    await scribe.aclose()


async def test_turns_are_written_in_their_order(book: Book) -> None:
    async with writing(book) as scribe:
        for number in range(5):
            scribe.note(turn(str(number)))
    assert book.said == ["0", "1", "2", "3", "4"]


async def test_a_failing_database_gets_the_turns_once_it_is_back(book: Book) -> None:
    async with writing(book) as scribe:
        book.trouble = "no answer"
        scribe.note(turn("first"))
        scribe.note(turn("second"))
        await asyncio.sleep(0.01)
        book.trouble = ""
        while len(book.said) < 2:
            await asyncio.sleep(0.01)
    assert book.said == ["first", "second"]


async def test_what_the_database_never_takes_is_counted_and_its_reason_named(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    lost: list[int] = []
    book.trouble = "the disk is full"
    async with writing(book, on_lost=lost.append) as scribe:
        scribe.note(turn("a secret"))
        scribe.note(turn("another"))
    assert sum(lost) == 2
    assert "turns were not kept: the disk is full" in caplog.text and "secret" not in caplog.text


async def test_a_reason_is_told_once(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    book.trouble = "no answer"
    async with writing(book) as scribe:
        scribe.note(turn("hello"))
        await asyncio.sleep(0.2)
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1


async def test_a_standing_database_makes_room_for_newer_turns(book: Book) -> None:
    lost: list[int] = []
    book.open.clear()
    async with writing(book, on_lost=lost.append) as scribe:
        for number in range(MOST_WAITING + 3):
            scribe.note(turn(str(number)))
        assert sum(lost) == 3
        book.open.set()
    assert book.said[-1] == str(MOST_WAITING + 2)


async def test_a_call_begins_without_its_history_if_that_takes_too_long(book: Book) -> None:
    book.said = ["hello"]
    async with writing(book) as scribe:
        assert await scribe.earlier(limit=5) == [Message("user", "hello")]
        book.open.clear()
        assert await scribe.earlier(limit=5) == []
        book.open.set()
        book.trouble = "no answer"
        assert await scribe.earlier(limit=5) == []


async def test_a_full_disk_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite says the same of a file that may not grow as of a disk that is full."""
    database = Database(str(tmp_path / "full.db"))
    conversations = Conversations(database, recordings=Recordings(tmp_path))
    begun = await conversations.begin(None, door="voice")
    async with database.transaction() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    lost: list[int] = []
    scribe = Scribe(conversations, begun, on_lost=lost.append)
    scribe.note(turn("word " * 10_000))
    await asyncio.sleep(0.1)
    await scribe.aclose()
    await conversations.aclose()
    assert lost == [1] and "the disk is full" in caplog.text and "word word" not in caplog.text
