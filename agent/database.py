"""The database of one machine or of many: a SQLite file, or Postgres by its address.

    database = Database("run/conversations.db")
    async with database.transaction() as connection:
        await connection.execute(...)

Tables are described where they are used and registered in `METADATA`; they are created when a process first uses the
database. Whatever goes wrong is raised as `DatabaseError` with a reason that can be logged.
"""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Dialect, Integer, MetaData, Table, event, func, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import DateTime, TypeDecorator

SCHEMA_VERSION = 1
"""Raise it when a table changes, and say in `Database.prepare` how older ones become newer."""
BUSY_S = 5.0
"""How long a statement waits for others that write."""
CONNECT_S = 5.0
POOL_SIZE = 5
CREATING = 7_266_524
"""Number of the lock on Postgres under which tables are created."""

METADATA = MetaData()
_SCHEMA = Table("landline_schema", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

DRIVERS = {"postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
FULL = ("database or disk is full", "no space left", "diskfullerror", "could not extend file", "enospc")


class DatabaseError(Exception):
    """The database did not do what it was asked; the message is a short reason, without anything that was stored."""


class DatabaseNewer(DatabaseError):
    """A newer version of this program has written the database; the message names it and the way out."""


class Utc(TypeDecorator[datetime]):
    """A moment in UTC, on databases that keep time zones and on those that do not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database, without a zone where it keeps none."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """A pool of connections to `address`: the path of a SQLite file, or `postgresql://…`. Opens nothing by itself.

    `name` is the address without its password.
    """

    def __init__(self, address: str) -> None:
        self._file = None if "://" in address else Path(address)
        self._engine = _engine(address, self._file)
        self.name = str(self._file or self._engine.url.render_as_string(hide_password=True))
        self._is_prepared = False
        self._preparing = asyncio.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """A connection whose changes are kept when the block ends, and undone if it raises. Raises `DatabaseError`."""
        await self.prepare()
        async with _explained(), self._engine.begin() as connection:
            yield connection

    async def prepare(self) -> None:
        """Create what is missing. Raises `DatabaseNewer`, or `DatabaseError`."""
        async with self._preparing:
            if self._is_prepared:
                return
            if self._file:
                async with _explained():
                    await asyncio.to_thread(_create_private, self._file)
            async with _explained(), self._engine.begin() as connection:
                await self._create(connection)
            self._is_prepared = True

    async def _create(self, connection: AsyncConnection) -> None:
        """One process at a time."""
        if self.is_sqlite:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            await connection.execute(select(func.pg_advisory_xact_lock(CREATING)))
        await connection.execute(CreateTable(_SCHEMA, if_not_exists=True))
        newest = await connection.scalar(select(func.max(_SCHEMA.c.version)))
        if newest is None:
            await connection.execute(insert(_SCHEMA).values(version=SCHEMA_VERSION))
        elif newest > SCHEMA_VERSION:
            raise DatabaseNewer(
                f"{self.name} has a schema of version {newest} and this Landline knows version {SCHEMA_VERSION}. Use "
                "the newer Landline that wrote it; or move it away, or name another in CONVERSATIONS_DATABASE, and "
                "conversations begin anew."
            )
        for table in METADATA.sorted_tables:
            await connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                await connection.execute(CreateIndex(index, if_not_exists=True))

    async def wipe(self) -> None:
        """Make deleted rows unreadable in SQLite's files too; elsewhere that is the server's matter."""
        if not self.is_sqlite:
            return
        async with _explained(), self._engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _engine(address: str, file: Path | None) -> AsyncEngine:
    if file:
        url, waits = URL.create("sqlite+aiosqlite", database=str(file)), {"timeout": BUSY_S}
        engine = create_async_engine(url, pool_size=POOL_SIZE, connect_args=waits, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        return engine
    try:
        url = make_url(address)
        url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    except (ArgumentError, ValueError) as error:
        raise DatabaseError("its address cannot be read") from error
    if url.get_backend_name() != "postgresql":
        raise DatabaseError(f"no databases of the kind {url.get_backend_name()} are known; use a path or postgresql://")
    waits = {"timeout": CONNECT_S, "command_timeout": BUSY_S}
    return create_async_engine(url, pool_size=POOL_SIZE, pool_pre_ping=True, connect_args=waits, hide_parameters=True)


def _set_up_sqlite(connection: Any, _: object) -> None:
    """Readers beside a writer, references that hold, and no trace of deleted rows."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _create_private(file: Path) -> None:
    """SQLite gives its other files the rights of this one.

    The file appears with readers beside a writer already allowed: of processes that would switch to it at the same
    moment, SQLite refuses all but one, without waiting.
    """
    if file.exists():
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        os.unlink(draft)


@asynccontextmanager
async def _explained() -> AsyncGenerator[None]:
    """Raise what goes wrong as `DatabaseError`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError) as error:
        raise DatabaseError(reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """What went wrong, without anything that was to be stored."""
    cause = getattr(error, "orig", None) or error
    if any(sign in f"{type(cause).__name__} {cause}".lower() for sign in FULL):
        return "the disk is full"
    if "locked" in str(cause):
        return "others have been writing for too long"
    if isinstance(error, OSError | TimeoutError):
        return getattr(error, "strerror", None) or "no answer"
    return type(cause).__name__
