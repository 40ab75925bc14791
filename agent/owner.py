"""What the owner's page shows, from where it is: the engine, the conversations' database, the documents."""

import asyncio
import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from agent.conversations.store import Conversations
from agent.conversations.turns import Summary
from agent.database import DatabaseError
from agent.settings import Settings
from plugins.client import EngineClient
from plugins.errors import EngineError, EngineUnavailable, InvalidRequest
from web import errors
from web.admin import Admin

logger = logging.getLogger(__name__)

Json = dict[str, Any]

LIBRARIAN = (sys.executable, "-m", "agent.librarian")
LIBRARIAN_TIMEOUT_S = 900.0
PASSAGES = 8


def owners_page(settings: Settings, conversations: Conversations) -> Admin:
    """The page's sources, put together from the settings."""
    return Admin(
        observatory=EngineObservatory(settings.engine.url),
        archive=ConversationArchive(conversations),
        library=IndexLibrary(settings),
    )


@contextmanager
def engine_errors() -> Generator[None]:
    """State an engine's errors as the door states its own."""
    try:
        yield
    except EngineUnavailable as error:
        raise errors.Away("The engine isn't answering. It may be starting; please try again in a moment.") from error
    except InvalidRequest as error:
        raise errors.InvalidRequest(str(error)) from error
    except EngineError as error:
        raise errors.Away(f"The engine can't tell: {error}") from error


class EngineObservatory:
    """Calls, models and the last hours, as the engine tells them."""

    def __init__(self, engine_url: str) -> None:
        self._engine_url = engine_url

    async def calls(self) -> list[Json]:
        """The calls that run now."""
        with engine_errors():
            async with EngineClient(self._engine_url) as engine:
                return await engine.calls()

    async def models(self) -> Json:
        """Each model's state, and how many calls fit."""
        with engine_errors():
            async with EngineClient(self._engine_url) as engine:
                return {**await engine.health(), "capacity": await engine.capacity()}

    async def recent(self) -> Json:
        """The last hours minute by minute."""
        with engine_errors():
            async with EngineClient(self._engine_url) as engine:
                return await engine.recent()


class ConversationArchive:
    """The conversations of the database."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def newest(self, *, limit: int, before: str) -> list[Json]:
        """Those that changed last; `before` is a moment in ISO 8601, or empty."""
        try:
            return [_summary(each) for each in await self._conversations.newest(limit=limit, before=_moment(before))]
        except DatabaseError as error:
            raise errors.Away("The conversations' database isn't answering.") from error

    async def one(self, conversation_id: str) -> Json | None:
        """A whole conversation."""
        try:
            found = await self._conversations.get(conversation_id)
        except DatabaseError as error:
            raise errors.Away("The conversations' database isn't answering.") from error
        return found.as_json() if found else None


def _summary(summary: Summary) -> Json:
    moments = {"begun_at": summary.begun_at.isoformat(), "changed_at": summary.changed_at.isoformat()}
    return asdict(summary) | moments


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.InvalidRequest("before: a moment is written like 2026-01-31T12:00:00+00:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class IndexLibrary:
    """The documents of the calls' collection: read by the engine, changed by processes of their own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def folder(self) -> Path:
        return self._settings.knowledge.uploads.resolve()

    @property
    def suffixes(self) -> frozenset[str]:
        return known_suffixes()

    @property
    def max_bytes(self) -> int:
        return self._settings.knowledge.max_document_mb * 1_000_000

    async def documents(self) -> list[Json]:
        """Every document by its name for people."""
        with engine_errors():
            async with EngineClient(self._settings.engine.url) as engine:
                found = await engine.documents(self._settings.knowledge.collection)
        return [self._shown(each) for each in sorted(found, key=lambda each: str(each["source"]).lower())]

    def _shown(self, document: Json) -> Json:
        is_uploaded = Path(document["origin"]).is_relative_to(self.folder)
        return {
            "id": document["doc_id"],
            "title": document["title"],
            "source": document["source"],
            "ingested_at": document.get("ingested_at", ""),
            "is_uploaded": is_uploaded,
        }

    async def add(self, received: Path, name: str) -> Json:
        """Read a received file in; only one that can be read is kept under this name."""
        return await librarian("add", str(received), str(self.folder / name))

    async def remove(self, doc_id: str) -> bool:
        """Forget a document; `False` if there is none of that id."""
        result = await librarian("remove", doc_id)
        if result["outcome"] == "failed":
            raise errors.Away(f"The document is still there: {result['reason']}")
        return result["outcome"] == "removed"

    async def search(self, query: str, *, title: str, source: str) -> Json:
        """The passages that an answer would rest on, best first, and how long finding them took."""
        clock = asyncio.get_running_loop().time
        begin_s = clock()
        collection = self._settings.knowledge.collection
        with engine_errors():
            async with EngineClient(self._settings.engine.url) as engine:
                found = await engine.retrieve(query, k=PASSAGES, collection=collection, title=title, source=source)
        return {"passages": found["passages"], "took_ms": round(1000 * (clock() - begin_s), 1)}


@cache
def known_suffixes() -> frozenset[str]:
    """The kinds of document that can be read; finding out imports the library of every kind."""
    from knowledge.documents import LOADERS

    return frozenset(LOADERS)


async def librarian(*command: str) -> Json:
    """Run a change to the documents in a process of its own; it ends with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(*LIBRARIAN, *command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(LIBRARIAN_TIMEOUT_S):
            told, _ = await process.communicate()
        return json.loads(told.splitlines()[-1])
    except TimeoutError:
        return {"outcome": "failed", "reason": "It took too long."}
    except (ValueError, IndexError):
        logger.exception("the librarian ended with %s", process.returncode)
        return {"outcome": "failed", "reason": "The document could not be read; the log says why."}
    finally:
        if process.returncode is None:
            process.kill()
