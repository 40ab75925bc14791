"""Where conversations are kept: begun, gone on with by their id, listed, exported, deleted.

Every method raises `DatabaseError`. A recording lies beside the conversation and is deleted with it, and so is what is
on record of a call that still runs. What was deleted stays so: that call, or a request, goes on, but nothing more of it
is kept. Calls of other machines learn of it with their next turn.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.call_record import CALLS_FOLDER, CallRecords
from agent.conversations.recordings import Recordings
from agent.conversations.turns import Conversation, Message, Source, Summary, Turn, is_id, messages_of, new_id
from agent.database import METADATA, Database, Utc
from agent.settings import ConversationsSettings
from knowledge.decoding import mended

EMPTY_FOR = timedelta(days=1)
"""A conversation in which nothing was said for this long is not worth keeping."""
DELETED_FOR = timedelta(days=7)
"""How long it is known that a conversation was deleted: longer than any call lasts."""
TOGETHER = 500
"""Conversations that are deleted in one transaction."""

CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("door", String(16), nullable=False),
    Column("begun_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False, index=True),
)
TURNS = Table(
    "turns",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("door", String(16), nullable=False),
    Column("said", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("heard", Text, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("latencies_ms", JSON, nullable=False),
)

DELETED = Table(
    "deleted_conversations",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("at", Utc, nullable=False),
)


class _IsDeleted(Exception):
    """The conversation to be added to was deleted; whatever the transaction did is undone."""


class Conversations:
    """The conversations in `database`, their recordings in `recordings`, this machine's running calls in `calls`."""

    def __init__(self, database: Database, *, recordings: Recordings, calls: CallRecords | None = None) -> None:
        self._database = database
        self._recordings = recordings
        self._calls = calls or CallRecords(CALLS_FOLDER)

    async def prepare(self) -> None:
        """Create what is missing. Raises `DatabaseNewer`, or `DatabaseError`."""
        await self._database.prepare()

    async def aclose(self) -> None:
        """Close the database."""
        await self._database.aclose()

    async def begin(self, conversation_id: str | None, *, door: str) -> str:
        """The id to go on with: `conversation_id` if that is a conversation's, else a new one's."""
        async with self._database.transaction() as connection:
            if conversation_id and await _is_there(connection, conversation_id):
                return conversation_id
            begun = new_id()
            await _begin(connection, begun, door=door, at=datetime.now(UTC))
            return begun

    async def history(self, conversation_id: str, *, limit: int) -> list[Message]:
        """The newest `limit` messages, oldest first, as they were heard; none if there is no such conversation."""
        return messages_of(await self._last_turns(conversation_id, limit), limit=limit)

    async def add(self, conversation_id: str, turn: Turn) -> None:
        """Keep one more turn, unless the conversation was deleted meanwhile.

        It begins with the turn if the database was away when it really began. Raises `ValueError` for what is no
        conversation's id.
        """
        if not is_id(conversation_id):
            raise ValueError("this is no conversation's id")
        try:
            await self._add(conversation_id, turn)
        except _IsDeleted:
            await asyncio.to_thread(self._calls.forget, {conversation_id})

    async def _add(self, conversation_id: str, turn: Turn) -> None:
        async with self._database.transaction() as connection:
            await _begin(connection, conversation_id, door=turn.door, at=turn.at)  # waits for one who deletes it now
            await _hold(connection, conversation_id)
            await _insert_once(connection, TURNS, {"conversation": conversation_id, **_row(turn)})
            this = CONVERSATIONS.c.id == conversation_id
            await connection.execute(update(CONVERSATIONS).where(this).values(changed_at=turn.at))

    async def newest(self, *, limit: int = 50, before: datetime | None = None) -> list[Summary]:
        """The conversations in which something was said, newest first; with `before`, those unchanged since then."""
        query = (
            select(CONVERSATIONS, func.count(TURNS.c.number).label("turns"), _doors(self._database))
            .join(TURNS)
            .group_by(CONVERSATIONS.c.id)
            .order_by(CONVERSATIONS.c.changed_at.desc(), CONVERSATIONS.c.id)
            .limit(limit)
        )
        if before:
            query = query.where(CONVERSATIONS.c.changed_at < before)
        async with self._database.transaction() as connection:
            return [_summary(row) for row in await connection.execute(query)]

    async def get(self, conversation_id: str) -> Conversation | None:
        """A whole conversation, if there is one of that id."""
        this = CONVERSATIONS.c.id == conversation_id
        async with self._database.transaction() as connection:
            found = (await connection.execute(select(CONVERSATIONS).where(this))).first()
            if found is None:
                return None
            rows = await connection.execute(_turns_of(conversation_id).order_by(TURNS.c.number))
            return Conversation(found.id, found.begun_at, found.changed_at, tuple(_turn(row) for row in rows))

    async def all_ids(self) -> Sequence[str]:
        """Every conversation, oldest first."""
        async with self._database.transaction() as connection:
            query = select(CONVERSATIONS.c.id).order_by(CONVERSATIONS.c.begun_at)
            return (await connection.scalars(query)).all()

    async def export(self, ids: Iterable[str] = ()) -> AsyncGenerator[Conversation]:
        """Those of these `ids`, or of all, oldest first, in which something was said."""
        for one in list(ids) or await self.all_ids():
            if (conversation := await self.get(one)) and conversation.turns:
                yield conversation

    async def delete(self, ids: Sequence[str]) -> int:
        """Delete conversations with their turns and recordings; how many there were."""
        deleted = 0
        for start in range(0, len(ids), TOGETHER):
            deleted += await self._delete_together(ids[start : start + TOGETHER])
        if deleted:
            await self._database.wipe()
        return deleted

    async def prune(self, *, older_than_days: float, now: datetime | None = None) -> int:
        """Delete what nobody went on with for so long, 0 days being for ever, and what stayed empty; how many."""
        now = now or datetime.now(UTC)
        unwanted = (CONVERSATIONS.c.begun_at < now - EMPTY_FOR) & _is_empty()
        if older_than_days:
            unwanted |= CONVERSATIONS.c.changed_at < now - timedelta(days=older_than_days)
        async with self._database.transaction() as connection:
            old = (await connection.scalars(select(CONVERSATIONS.c.id).where(unwanted))).all()
            await connection.execute(delete(DELETED).where(DELETED.c.at < now - DELETED_FOR))
        await self._remove_orphans(now - max(EMPTY_FOR, timedelta(days=older_than_days)))
        return await self.delete(old)

    async def _remove_orphans(self, before: datetime) -> None:
        """Delete recordings whose conversation the database never learned of."""
        recorded = await asyncio.to_thread(self._recordings.untouched_since, before)
        orphans = set(recorded) - set(await self.all_ids() if recorded else ())
        for one in orphans:
            await asyncio.to_thread(self._recordings.remove, one)

    async def _delete_together(self, ids: Sequence[str]) -> int:
        async with self._database.transaction() as connection:
            query = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.id.in_(ids))
            known = (await connection.scalars(query)).all()
            await connection.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(known)))
            for one in known:
                await _insert_once(connection, DELETED, {"id": one, "at": datetime.now(UTC)})
        await asyncio.to_thread(self._forget_beside, known)
        return len(known)

    def _forget_beside(self, deleted: Sequence[str]) -> None:
        """Delete what is kept of these conversations outside the database."""
        self._calls.forget(deleted)
        for one in deleted:
            self._recordings.remove(one)

    async def _last_turns(self, conversation_id: str, limit: int) -> list[Turn]:
        query = _turns_of(conversation_id).order_by(TURNS.c.number.desc()).limit(limit)
        async with self._database.transaction() as connection:
            return [_turn(row) for row in await connection.execute(query)][::-1]


def open_conversations(settings: ConversationsSettings) -> Conversations:
    """The conversations of the settings; connects when they are first used. Raises `DatabaseError`."""
    return Conversations(Database(settings.database.get_secret_value()), recordings=Recordings(settings.recordings))


async def _is_there(connection: AsyncConnection, conversation_id: str) -> bool:
    if not is_id(conversation_id):
        return False
    query = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.id == conversation_id)
    return await connection.scalar(query) is not None


async def _hold(connection: AsyncConnection, conversation_id: str) -> None:
    """Let nobody delete it until the transaction ends. Raises `_IsDeleted` if somebody has."""
    this = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.id == conversation_id)
    await connection.execute(this.with_for_update(read=True, key_share=True))
    if await connection.scalar(select(DELETED.c.id).where(DELETED.c.id == conversation_id)):
        raise _IsDeleted


async def _begin(connection: AsyncConnection, conversation_id: str, *, door: str, at: datetime) -> None:
    values = {"id": conversation_id, "door": door, "begun_at": at, "changed_at": at}
    await _insert_once(connection, CONVERSATIONS, values)


async def _insert_once(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> None:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    await connection.execute(dialect.insert(table).values(**values).on_conflict_do_nothing())


def _is_empty() -> Any:
    return ~select(TURNS.c.number).where(TURNS.c.conversation == CONVERSATIONS.c.id).exists()


def _turns_of(conversation_id: str) -> Any:
    return select(TURNS).where(TURNS.c.conversation == conversation_id)


def _doors(database: Database) -> Any:
    """The doors of a group, with commas between them."""
    distinct = TURNS.c.door.distinct()
    joined = func.group_concat(distinct) if database.is_sqlite else func.string_agg(distinct, ",")
    return joined.label("doors")


def _row(turn: Turn) -> dict[str, Any]:
    sources = [asdict(source) for source in turn.sources]
    return {
        "id": turn.id,
        "at": turn.at,
        "door": turn.door,
        "said": _storable(turn.said),
        "answer": _storable(turn.answer),
        "heard": _storable(turn.heard),
        "interrupted": turn.interrupted,
        "sources": sources,
        "latencies_ms": dict(turn.latencies_ms),
    }


def _storable(text: str) -> str:
    """What a client sent without what no database takes: zero bytes, and halves of characters."""
    return mended(text.replace("\0", ""))


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        door=row.door,
        said=row.said,
        answer=row.answer,
        heard=row.heard,
        interrupted=row.interrupted,
        sources=tuple(Source(**source) for source in row.sources),
        latencies_ms=row.latencies_ms,
        at=row.at,
        id=row.id,
    )


def _summary(row: Row[Any]) -> Summary:
    doors = tuple(sorted(row.doors.split(",")))
    return Summary(id=row.id, begun_at=row.begun_at, changed_at=row.changed_at, turns=row.turns, doors=doors)
