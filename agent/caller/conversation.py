"""A scripted call from joining to hanging up: `run_call` for a whole script, `Caller` for one step at a time."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from livekit import rtc

from agent.caller.captions import Captions, Segment
from agent.caller.counterpart import Counterpart
from agent.caller.errors import CallRefused, NoAgent, NoServer
from agent.caller.line import RATE_HZ, Ear, Mouth, microphone, microphone_options
from agent.caller.report import CallReport, Source, TurnReport
from agent.caller.script import CallScript, Patience, Type, said
from agent.caller.tape import Tape
from agent.caller.ticket import Ticket
from agent.discretion import without_tokens
from plugins.audio import Float

CONNECT_TIMEOUT_S = 15.0
CHAT = "lk.chat"
LINE = "landline.line"
TRIES = 4
RECEIPT_S = 2.0
"""How long a typed line may take to be confirmed before it is sent again."""
INTERRUPT = "landline.interrupt"
REFUSALS = {
    "expired": "it has expired",
    "cryptographic": "it was not signed with this server's secret",
    "401": "it is not from this server",
    "403": "it does not allow to join",
}
CAPTION_LAG_S = 0.5
"""How long captions and sources may trail behind the sound."""


async def run_call(
    script: CallScript,
    *,
    ticket: Ticket,
    record: Path | None = None,
    on_turn: Callable[[TurnReport], None] | None = None,
) -> CallReport:
    """Make the call: join, hear the greeting out, take every turn, hang up. Raises `CallFailed`.

    `record` gets a stereo WAV (caller left, agent right); `on_turn` is told each turn as it ends.
    """
    audio = {turn: script.audio(turn, sample_rate_hz=RATE_HZ) for turn in script.turns if not isinstance(turn, Type)}
    turns: list[TurnReport] = []
    async with Caller(ticket, patience=script.patience) as caller:
        greeting = await caller.hear_greeting()
        for turn in script.turns:
            if isinstance(turn, Type):
                report = await caller.type(turn.text)
            else:
                report = await caller.say(audio[turn], text=said(turn), listen_s=script.listen_s)
            turns.append(report)
            if on_turn:
                on_turn(report)
        if record:
            caller.tape.save(record)
    return CallReport(
        room=ticket.room,
        models=caller.counterpart.attributes.get("landline.models", ""),
        mode=caller.counterpart.attributes.get("landline.mode", ""),
        greeting=greeting,
        joined_ms=caller.joined_ms,
        turns=tuple(turns),
    )


class Caller:
    """One participant in a call, as a context manager: joins and waits for the agent, hangs up at the end."""

    def __init__(self, ticket: Ticket, *, patience: Patience | None = None) -> None:
        logging.getLogger("livekit").setLevel(logging.CRITICAL)  # what goes wrong is raised as `CallFailed`
        loop = asyncio.get_running_loop()
        self.ticket = ticket
        self.room = rtc.Room()
        self.captions = Captions(self.room)
        self.joined_ms = 0.0
        self.tape = Tape(sample_rate_hz=RATE_HZ, started_at_s=loop.time())
        self.ear = Ear(listener=self._hear)
        self._source, self._track = microphone()
        self.mouth = Mouth(self._source, listener=lambda frame, at_s: self.tape.add(0, frame, at_s=at_s))
        self._patience = patience or Patience()
        self.counterpart = Counterpart(self._patience, room=ticket.room)
        self._tasks: set[asyncio.Task[None]] = set()
        self._started_at_s = loop.time()
        self._lines = 0
        self.room.on("track_subscribed", self._on_track)
        self.room.on("participant_connected", self._on_participant)
        self.room.on("participant_attributes_changed", self._on_attributes)

    def _hear(self, frame: Float, at_s: float) -> None:
        self.tape.add(1, frame, at_s=at_s)
        if self.mouth.leak:
            self.mouth.leak.hear(frame)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(self.hang_up)
            await self._join()
            leaving.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    async def _join(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self.room.connect(self.ticket.url, self.ticket.token)
        except rtc.ConnectError as error:
            raise refusal(self.ticket.url, str(error)) from error
        except TimeoutError as error:
            raise NoServer(f"{self.ticket.url} did not answer within {CONNECT_TIMEOUT_S:.0f} s") from error
        await self.room.local_participant.publish_track(self._track, microphone_options())
        self._keep(self.mouth.run())
        for participant in self.room.remote_participants.values():
            self._on_participant(participant)
        await self.counterpart.arrival()
        self.joined_ms = (asyncio.get_running_loop().time() - self._started_at_s) * 1000

    async def hang_up(self) -> None:
        """Leave the room, in mid-word if need be."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.captions.aclose()
        await self.room.disconnect()
        await self._source.aclose()

    async def hear_greeting(self) -> str:
        """Listen until the agent has greeted; empty if it does not in time."""
        since_s = self._started_at_s
        try:
            async with asyncio.timeout(self._patience.greeting_s):
                await self.ear.sound_after(since_s)
        except TimeoutError:
            return ""
        await self.silence_of_agent()
        return _text(self._agent_segments(since_s=since_s))

    async def say(self, audio: Any, *, text: str, listen_s: float | None = None) -> TurnReport:
        """Speak `audio` (48 kHz float) and hear the answer out, or `listen_s` of it."""
        began_s = asyncio.get_running_loop().time()
        spoken_s = await self.mouth.speak(audio)
        heard_s: float | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.answer_s):
                heard_s = await self.ear.sound_after(spoken_s)
            if listen_s is not None:
                await asyncio.sleep(listen_s)
                await self.interrupt()
            await self.silence_of_agent()
        return self._turn("voice", text, began_s=began_s, asked_s=spoken_s, heard_s=heard_s)

    async def type(self, text: str) -> TurnReport:
        """Type `text` and read the answer to its end."""
        began_s = asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.answer_s):
                await self._send_line(text, began_s=began_s)
                while not self._agent_segments(since_s=began_s):
                    await self.captions.change()
            await self.silence_of_agent()
        return self._turn("text", text, began_s=began_s, asked_s=began_s, heard_s=None)

    async def _send_line(self, text: str, *, began_s: float) -> None:
        """Send a numbered line, again if nothing comes of it: a line that was just restored may swallow it."""
        self._lines += 1
        number = str(self._lines)
        for _ in range(TRIES):
            await self.room.local_participant.send_text(text, topic=CHAT, attributes={LINE: number})
            with suppress(TimeoutError):
                async with asyncio.timeout(RECEIPT_S):
                    while not (self._is_received(number) or self._agent_segments(since_s=began_s)):
                        await self.captions.change()
                    return

    def _is_received(self, number: str) -> bool:
        return any(page.get("line") == number for _, page in self.captions.notes.received)

    async def interrupt(self) -> str:
        """Press the stop button; returns the agent's acknowledgement."""
        return await self.room.local_participant.perform_rpc(
            destination_identity=self.agent.identity, method=INTERRUPT, payload=""
        )

    async def use_documents(self, on: bool) -> None:
        """Turn the switch "use my documents"."""
        await self.room.local_participant.set_attributes({"landline.documents": "on" if on else "off"})

    async def silence_of_agent(self) -> None:
        """Wait until the agent has said and written everything it wanted to. Raises `TimeoutError`."""
        await self.counterpart.silence(self._last_sign_s)

    def _last_sign_s(self) -> float:
        """When the agent was last heard or read; now, while it writes."""
        now_s = asyncio.get_running_loop().time()
        segments = self._agent_segments(since_s=self._started_at_s)
        ends = [segment.ended_at_s if segment.ended_at_s is not None else now_s for segment in segments]
        return max([self.ear.last_sound_s or 0.0, *ends])

    @property
    def agent(self) -> rtc.RemoteParticipant:
        """The agent's participant. Raises `NoAgent` once it is gone."""
        for participant in self.room.remote_participants.values():
            if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
                return participant
        raise NoAgent(f"the agent has left room {self.ticket.room}")

    def _turn(self, door: str, text: str, *, began_s: float, asked_s: float, heard_s: float | None) -> TurnReport:
        notes = self.captions.notes
        answer = self._agent_segments(since_s=began_s)
        me = self.room.local_participant.identity
        sources = [page for at_s, page in notes.sources if at_s > began_s]
        stages = [page for at_s, page in notes.turns if at_s > began_s]
        heard_meanwhile = self.ear.first_sound_after(began_s)
        return TurnReport(
            door=door,
            said=text,
            understood=text if door == "text" else _text(notes.said_by(me, since_s=began_s)),
            answer=_text(answer),
            sources=tuple(_source(one) for page in sources for one in page["sources"]),
            heard_ms=None if heard_s is None else (heard_s - asked_s) * 1000,
            first_text_ms=(answer[0].began_at_s - asked_s) * 1000 if answer else None,
            is_cut_off=door == "voice" and heard_meanwhile is not None and heard_meanwhile < asked_s,
            stages=stages[-1] if stages else {},
        )

    def _agent_segments(self, *, since_s: float) -> list[Segment]:
        me = self.room.local_participant.identity
        return [one for one in self.captions.notes.segments if one.speaker != me and one.began_at_s > since_s]

    def _keep(self, running: Any) -> None:
        task = asyncio.create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_track(self, track: rtc.Track, _: Any, participant: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO and participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self._keep(self.ear.listen(track))

    def _on_participant(self, participant: rtc.Participant) -> None:
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.counterpart.seen(participant.attributes)

    def _on_attributes(self, _: dict[str, str], participant: rtc.Participant) -> None:
        self._on_participant(participant)


def refusal(url: str, words: str) -> NoServer | CallRefused:
    """LiveKit's own words decide whether nobody answered or the ticket was refused."""
    for sign, reason in REFUSALS.items():
        if sign in words:
            return CallRefused(f"{url} refuses the ticket: {reason}")
    return NoServer(f"no LiveKit server answers at {url} ({without_tokens(words)}); `landline up` starts one")


def _text(segments: list[Segment]) -> str:
    return " ".join(segment.text.strip() for segment in segments if segment.text.strip())


def _source(page: dict[str, Any]) -> Source:
    return Source(
        title=page.get("title", ""),
        source=page.get("source", ""),
        text=page.get("text", ""),
        position=page.get("position", 0),
        score=page.get("score", 0.0),
    )
