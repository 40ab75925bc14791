"""Keeps the turns of one call. The call never waits for it, however slow the database is or whether there is one."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from agent.conversations.turns import Message, Turn
from agent.database import DatabaseError

logger = logging.getLogger(__name__)

MOST_WAITING = 100
"""Turns that wait for the database; of more, the oldest are lost."""
AGAIN_S = 1.0
"""Pause before a turn that could not be written is written again."""
CLOSE_S = 3.0
"""How long the end of a call waits for its last turns to be written."""
EARLIER_S = 2.0
"""How long a call waits for what was said before it; then it goes on without."""


class Keeps(Protocol):
    """What is asked of `Conversations`. Everything raises `DatabaseError`."""

    async def history(self, conversation_id: str, *, limit: int) -> list[Message]: ...
    async def add(self, conversation_id: str, turn: Turn) -> None: ...


class Scribe:
    """Writes to the conversation of this `conversation_id`; `on_lost` is told how many turns could not be kept."""

    def __init__(self, conversations: Keeps, conversation_id: str, *, on_lost: Callable[[int], None]) -> None:
        self._conversations = conversations
        self._id = conversation_id
        self._on_lost = on_lost
        self._waiting: deque[Turn] = deque()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._trouble = ""
        self._writing = asyncio.create_task(self._write_all())

    async def earlier(self, *, limit: int) -> list[Message]:
        """What was said in the conversation so far; nothing if the database takes too long."""
        reading = asyncio.create_task(self._conversations.history(self._id, limit=limit))
        await asyncio.wait({reading}, timeout=EARLIER_S)  # never cancelled: that would break the connection
        if not reading.done():
            reading.add_done_callback(lambda done: done.exception())
            logger.warning("the call begins without what was said before: no answer")
            return []
        try:
            return reading.result()
        except DatabaseError as error:
            logger.warning("the call begins without what was said before: %s", error)
            return []

    def note(self, turn: Turn) -> None:
        """Have a turn written soon."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._lose(1)
        self._waiting.append(turn)
        self._idle.clear()
        self._news.set()

    async def aclose(self) -> None:
        """Write what still waits, if that goes fast."""
        await asyncio.wait({idle := asyncio.create_task(self._idle.wait())}, timeout=CLOSE_S)
        for task in (idle, self._writing):
            task.cancel()
        await asyncio.gather(idle, self._writing, return_exceptions=True)
        self._lose(len(self._waiting))
        self._waiting.clear()

    async def _write_all(self) -> None:
        while True:
            while self._waiting:
                if await self._is_written(self._waiting[0]):
                    continue
                await asyncio.sleep(AGAIN_S)
            self._idle.set()
            self._news.clear()
            await self._news.wait()

    async def _is_written(self, turn: Turn) -> bool:
        try:
            await self._conversations.add(self._id, turn)
        except DatabaseError as error:
            self._complain(str(error))
            return False
        if self._waiting and self._waiting[0] is turn:  # it may have had to make room meanwhile
            self._waiting.popleft()
        self._trouble = ""
        return True

    def _complain(self, reason: str) -> None:
        """Once for each reason."""
        if reason != self._trouble:
            logger.warning("turns are not kept for now: %s", reason, extra={"waiting": len(self._waiting)})
        self._trouble = reason

    def _lose(self, turns: int) -> None:
        if turns:
            logger.error("turns were not kept: %s", self._trouble or "no answer", extra={"turns": turns})
            self._on_lost(turns)
