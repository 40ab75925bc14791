"""A scripted caller that costs little: many of them fit on the machine that they measure.

It sends speech that was encoded beforehand and keeps of the agent what a latency needs: when it was heard, and its own
account of the turn. `agent/caller/conversation.py` is the caller with a whole client; a row of `bench calls` has one
of those too, for comparison.
"""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Self

from livekit.protocol.models import ParticipantInfo

from agent.caller.captions import TURNS
from agent.caller.counterpart import Counterpart
from agent.caller.report import TurnReport
from agent.caller.script import Patience
from agent.caller.ticket import Ticket
from bench.light.line import Microphone, PacketEar
from bench.light.opus import Question
from bench.light.room import Room


class LightCaller:
    """One participant in a call, as a context manager: joins and waits for the agent, hangs up at the end."""

    def __init__(self, ticket: Ticket, *, patience: Patience) -> None:
        self._clock = asyncio.get_running_loop().time
        self._started_at_s = self._clock()
        self._ticket, self._patience = ticket, patience
        self.mouth = Microphone()
        self._ear = PacketEar()
        self._ear.listen(after_s=self._started_at_s)
        self._room = Room(on_packet=self._ear.hear, on_participant=self._on_participant, on_text=self._on_text)
        self._counterpart = Counterpart(patience, room=ticket.room)
        self._turns: list[tuple[float, dict[str, Any]]] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(self._room.aclose)
            await self._room.join(self._ticket.url, self._ticket.token, self.mouth)
            await self._counterpart.arrival()
            leaving.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._room.aclose()

    async def hear_greeting(self) -> bool:
        """Listen until the agent has greeted; `False` if it does not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.greeting_s):
                await self._ear.sound()
            await self._silence_of_agent()
            return True
        return False

    async def say(self, audio: Question, *, text: str) -> TurnReport:
        """Ask a question and hear the answer out."""
        began_s, spoken_s = self._clock(), self.mouth.speak(audio)
        self._ear.listen(after_s=spoken_s)
        heard_s: float | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(spoken_s + self._patience.answer_s):
                heard_s = await self._ear.sound()
            await self._silence_of_agent()
        stages = [page for at_s, page in self._turns if at_s > began_s]
        return TurnReport(
            door="voice",
            said=text,
            understood="",
            answer="",
            heard_ms=None if heard_s is None else (heard_s - spoken_s) * 1000,
            is_cut_off=self._ear.was_early,
            stages=stages[-1] if stages else {},
        )

    async def _silence_of_agent(self) -> None:
        await self._counterpart.silence(lambda: self._ear.last_sound_s)

    def _on_participant(self, participant: ParticipantInfo) -> None:
        if participant.kind == ParticipantInfo.Kind.AGENT:
            self._counterpart.seen(participant.attributes)

    def _on_text(self, topic: str, text: str) -> None:
        if topic == TURNS:
            self._turns.append((self._clock(), json.loads(text)))
