"""One call's part in its conversation: what was said before it, and its turns for those that come after."""

import logging
from contextlib import suppress
from dataclasses import asdict

from agent.conversations.scribe import Scribe
from agent.conversations.store import Conversations, open_conversations
from agent.conversations.turns import Turn
from agent.database import DatabaseError
from agent.dispatch import Dispatch
from agent.settings import ConversationsSettings
from plugins.client import EngineClient
from plugins.errors import EngineError

logger = logging.getLogger(__name__)


def kept_conversations(settings: ConversationsSettings) -> Conversations | None:
    """Where this process keeps conversations, if the settings want that. Connects when first used."""
    try:
        return open_conversations(settings) if settings.keep else None
    except DatabaseError as error:
        logger.error("conversations are not kept: %s", error)
        return None


class Memory:
    """Remembers in `conversations` under `conversation_id`; without them, nothing."""

    def __init__(self, conversations: Conversations | None, conversation_id: str, *, engine: EngineClient) -> None:
        self._conversations = conversations
        self._scribe = Scribe(conversations, conversation_id, on_lost=self._lose) if conversations else None
        self._engine = engine
        self._lost = 0

    async def earlier(self, dispatch: Dispatch, *, limit: int) -> list[dict[str, str]]:
        """The newest `limit` messages of the conversation before this call."""
        if not self._scribe or not dispatch.goes_on:
            return []
        return [asdict(message) for message in await self._scribe.earlier(limit=limit)]

    def keep(self, turn: Turn) -> None:
        """A turn is over."""
        if self._scribe:
            self._scribe.note(turn)

    async def aclose(self) -> None:
        """The caller has left: write what still waits. What cannot be kept is counted."""
        if not self._scribe or not self._conversations:
            return
        await self._scribe.aclose()
        if self._lost:
            with suppress(EngineError):
                await self._engine.report_lost(turns=self._lost)
        await self._conversations.aclose()

    def _lose(self, turns: int) -> None:
        self._lost += turns
