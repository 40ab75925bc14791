"""Thinking ahead: while the caller speaks, what the answer will need is looked up and read.

Every interim transcript is searched for, and its prompt is read into the call's place in the language model; after an
answer the conversation so far is. When the turn ends, only what its last words changed is left to do.
"""

import asyncio
import logging
from typing import Any

from livekit.agents import AgentSession, UserInputTranscribedEvent, llm

from agent.prompting import Prompting
from agent.turn_words import TurnWords
from plugins.client import EngineClient
from plugins.errors import EngineError

logger = logging.getLogger(__name__)


class Ahead:
    """Follows one call. Only the newest words count: what was wanted before them is not begun any more."""

    def __init__(self, engine: EngineClient, prompting: Prompting, *, call_id: str) -> None:
        self._engine = engine
        self._prompting = prompting
        self._call_id = call_id
        self._session: AgentSession[Any] | None = None
        self._words = TurnWords()
        self._wanted: str | None = None
        self._working: asyncio.Task[None] | None = None

    def watch(self, session: AgentSession[Any]) -> None:
        """Follow what happens in `session`."""
        self._session = session
        session.on("user_input_transcribed", self.on_transcript)
        session.on("conversation_item_added", self.on_item)
        self._want("")  # every prompt begins with the instructions

    def on_transcript(self, event: UserInputTranscribedEvent) -> None:
        """The caller has said more."""
        self._words.on_transcript(event)
        if event.transcript and not event.is_final:
            self._want(self._words.followed_by(event.transcript))

    def on_item(self, event: Any) -> None:
        """A turn has become part of the conversation; after the agent's, the next prompt begins with all of it."""
        self._words.on_item(event)
        if not isinstance(event.item, llm.ChatMessage):
            return
        if event.item.role == "user":
            self._wanted = None  # its answer is being made: that reads the same
        if event.item.role == "assistant":
            self._words.clear()  # a "mhm" while the agent spoke never becomes a turn
            self._want("")

    def _want(self, text: str) -> None:
        self._wanted = text
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while (text := self._wanted) is not None:
            self._wanted = None
            try:
                await self._think(text)
            except EngineError as error:
                logger.debug("not thought ahead: %s", error.code)

    async def _think(self, text: str) -> None:
        history = self._session.history if self._session else llm.ChatContext.empty()
        messages = await self._prompting.ahead(history, text)
        if messages:
            await self._engine.read_ahead(messages, call_id=self._call_id)

    async def aclose(self) -> None:
        """Stop."""
        self._wanted = None
        if self._working:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
