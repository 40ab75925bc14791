"""The engine goes away while somebody speaks: the caller is told that it takes a moment.

What was said is not lost. The speech-to-text stream keeps it and sends it to the engine that comes back, and the turn
goes on from there. Only the silence in between needs a word.
"""

import asyncio
from collections.abc import Awaitable, Callable

from livekit.agents import AgentSession, ErrorEvent, UserInputTranscribedEvent, UserStateChangedEvent, stt

from agent.phrases import ONE_MOMENT, OUT_OF_ORDER


class Outage:
    """Follows one call. `come_back` waits for the engine; `say` speaks a phrase without any model."""

    def __init__(self, *, come_back: Callable[[], Awaitable[bool]], say: Callable[[str], None]) -> None:
        self._come_back = come_back
        self._say = say
        self._is_waiting_for_transcript = False
        self._waiting: asyncio.Task[None] | None = None
        self._is_told = False

    def watch(self, session: AgentSession[None]) -> None:
        """Follow what happens in `session`."""
        session.on("error", self.on_error)
        session.on("user_state_changed", self.on_user_state)
        session.on("user_input_transcribed", self.on_transcript)

    @property
    def is_on(self) -> bool:
        """Whether the engine cannot hear at the moment."""
        return self._waiting is not None and not self._waiting.done()

    @property
    def is_told(self) -> bool:
        """Whether the caller has heard of the outage that is on."""
        return self.is_on and self._is_told

    def on_error(self, event: ErrorEvent) -> None:
        """Hearing failed: the beginning of an outage, unless it has begun."""
        if isinstance(event.error, stt.STTError) and not self.is_on:
            self._is_told = False
            self._waiting = asyncio.create_task(self._wait())
            self._apologise()

    def on_user_state(self, event: UserStateChangedEvent) -> None:
        """The caller has finished saying something."""
        if event.old_state == "speaking" and event.new_state == "listening":
            self._is_waiting_for_transcript = True
            self._apologise()

    def on_transcript(self, event: UserInputTranscribedEvent) -> None:
        """What the caller said has been understood."""
        if event.is_final:
            self._is_waiting_for_transcript = False

    def _apologise(self) -> None:
        if self.is_on and self._is_waiting_for_transcript and not self._is_told:
            self._is_told = True
            self._say(ONE_MOMENT)

    async def _wait(self) -> None:
        if not await self._come_back() and self._is_told and self._is_waiting_for_transcript:
            self._say(OUT_OF_ORDER)

    async def aclose(self) -> None:
        """Stop waiting."""
        if self._waiting:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)
