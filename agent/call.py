"""One call, in a job process of its own: everything is put together here, and taken apart when the caller leaves.

Job processes hold no weights: whatever needs a model asks the engine. A call whose process died goes on in another:
that one says so, and answers what had been asked.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from importlib import import_module
from typing import Any

import uvloop
from livekit import rtc
from livekit.agents import (
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    JobContext,
    JobProcess,
)
from livekit.rtc.participant import PublishTrackError

from agent import phrases
from agent.ahead import Ahead
from agent.apology import is_back
from agent.assistant import Assistant
from agent.call_record import Diary
from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.conversations.turns import Turn
from agent.discretion import be_discreet
from agent.dispatch import Dispatch, read_dispatch
from agent.hearing import Hearing, caller_in
from agent.hold import Waited, wait_for_line
from agent.lines import Lines, lines_of
from agent.memory import Memory, kept_conversations
from agent.outage import Outage
from agent.overhearing import Overhearing
from agent.playout import Playout
from agent.prompting import Prompting, answer_rules, chat_context
from agent.prompts import read_stock
from agent.recording import Recording, begin_recording
from agent.reporting import Reports
from agent.session import build_session, build_vad, patience, room_options
from agent.settings import Settings
from agent.tracing import open_traces
from agent.typed import TextDoor
from agent.waiting import THANKS, notices
from agent.waterfall import TURN_TOPIC, Json, Waterfall
from plugins.client import EngineClient
from plugins.correlation import correlation_id, door
from plugins.errors import EngineError

logger = logging.getLogger(__name__)

CALLER_WAIT_S = 30.0
"""How long an agent waits in a room for its caller."""
LAST_WORDS_S = 0.2
"""What a process that dies leaves its last line of log to get out."""
DOCUMENTS_ATTRIBUTE = "landline.documents"
INTERRUPT_METHOD = "landline.interrupt"


def die() -> None:
    """End this process as a crash would: its call stays on record, and is not held any more."""
    os._exit(1)


async def give_voice(playout: Playout, room: rtc.Room, *, die: Callable[[], None] = die) -> None:
    """Let the agent speak in `room`. A process that cannot dies, and leaves its call to another (`agent/rescue.py`)."""
    try:
        await playout.publish(room)
    except PublishTrackError:
        if room.isconnected():
            logger.critical("the agent's voice is not published; another process has to take the call on")
            await asyncio.sleep(LAST_WORDS_S)
            die()


def prewarm(process: JobProcess, *, settings: Settings) -> None:
    """Before a call comes to this process: make what would otherwise keep its first words waiting."""
    be_discreet()
    policy = uvloop.EventLoopPolicy()
    asyncio.set_event_loop_policy(policy)  # pyright: ignore[reportDeprecated]  # the job makes its loop after this
    process.userdata["settings"] = settings
    if settings.conversations.is_recording:
        import_module("av")
    process.userdata["conversations"] = kept_conversations(settings.conversations)
    process.userdata["vad"] = build_vad(settings.turn)


async def take_call(job: JobContext) -> None:
    """LiveKit's entry point: one call in one room."""
    correlation_id.set(job.room.name)
    door.set("voice")
    job.log_context_fields = {"correlation_id": job.room.name}
    settings, dispatch = job.proc.userdata["settings"], read_dispatch(job.job.metadata)
    lines, waited = lines_of(settings.worker), None
    if lines.waits(job.room.name):
        waited = await wait_for_line(job, lines, settings, give_voice)
        if waited is None:
            job.shutdown(reason="there is no line for this call")
            return
    diary = await _put_on_record(job, lines, dispatch, waited)
    if diary is None:
        logger.warning("another process has this call")
        job.shutdown(reason="the call has its agent")
        return
    call = Call(job, settings, diary, job.proc.userdata["conversations"], waited=waited)
    await call.start(dispatch)


async def _put_on_record(job: JobContext, lines: Lines, dispatch: Dispatch, waited: Waited | None) -> Diary | None:
    """From here on the call has its line, and no place in line any more."""
    diary = await Diary.open(
        lines.calls,
        job.room.name,
        agent=job.local_participant_identity,
        is_resumed=dispatch.is_resumed,
        conversation=waited.place.record.conversation if waited else dispatch.conversation,
    )
    if waited:
        waited.place.close()
    return diary


def greeting(settings: Settings, *, has_waited: bool = False) -> str:
    """What a caller hears first: also that the call is recorded, where it is."""
    stock = read_stock()
    lines = ("recorded", "greeting") if settings.conversations.is_recording else ("greeting",)
    return " ".join([*([THANKS] if has_waited else []), *(stock[line].text for line in lines)])


class Call:
    """The session of one room and what belongs to it. `diary` holds what was said before, if the call broke."""

    def __init__(
        self,
        job: JobContext,
        settings: Settings,
        diary: Diary,
        conversations: Conversations | None = None,
        *,
        waited: Waited | None = None,
    ) -> None:
        self._job = job
        self._waited = waited
        self._diary = diary
        self._settings = settings
        self._engine = EngineClient(settings.engine.url)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._memory = Memory(conversations, diary.record.conversation, engine=self._engine)
        self._waterfall = Waterfall(self._tell, keep=self._keep_turn)
        self._reports = Reports(self._engine, open_traces(settings.traces), process="worker")
        self._recording: Recording | None = None
        self._came_by_phone = False
        self._playout = waited.playout if waited else Playout()
        self._overhearing = Overhearing(self._playout, stop=self._stop, patience=patience(settings.turn))
        self._session = build_session(
            settings,
            self._engine,
            job.proc.userdata["vad"],
            call_id=job.room.name,
            on_decoded=self._waterfall.decoded,
            on_voice=self._overhearing.voice,
        )
        self._hearing = Hearing(is_startling=self._overhearing.is_startling, startled=self._overhearing.startled)
        self._session.input.audio, self._session.output.audio = self._hearing, self._playout
        self._outage = Outage(come_back=lambda: is_back(self._engine), say=self._say)
        self._prompting = Prompting(self._engine, answer_rules(settings), documents_on=self._documents_on)
        self._ahead = Ahead(self._engine, self._prompting, call_id=job.room.name)
        self._assistant = self._build_assistant()
        self._text_door = TextDoor(self._waterfall, tell=self._tell, max_chars=settings.answer.max_typed_chars)
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("close", self._on_close)
        self._session.on("error", self._on_error)
        self._outage.watch(self._session)
        self._ahead.watch(self._session)
        job.add_shutdown_callback(self._release)

    def _build_assistant(self) -> Assistant:
        earlier = self._diary.record
        asked, is_resumed = earlier.open_question(now_s=time.time()), bool(earlier.resumed_at_s)
        return Assistant(
            engine=self._engine,
            prompting=self._prompting,
            waterfall=self._waterfall,
            phrases=phrases.cached(phrases.FOLDER, voice=self._settings.models.voice),
            greeting=phrases.LINE_BROKE
            if is_resumed
            else greeting(self._settings, has_waited=self._waited is not None),
            history=chat_context(earlier.messages[:-1] if asked else earlier.messages),
            open_question=asked,
            is_told=lambda: self._outage.is_told,
            overhearing=self._overhearing,
        )

    async def start(self, dispatch: Dispatch) -> None:
        """Join the room and greet; the call then runs by itself until the caller leaves."""
        await self._job.connect()  # subscribes to everything: single subscriptions are lost when LiveKit restarts
        if earlier := await self._memory.earlier(dispatch, limit=self._settings.answer.history_messages):
            await self._assistant.update_chat_ctx(chat_context(earlier))
        if self._is_phone:
            door.set("phone")
        await self._record()
        self._job.room.local_participant.register_rpc_method(INTERRUPT_METHOD, self._interrupt)
        self._hearing.listen(self._job.room)
        self._keep(self._waited.voice if self._waited else give_voice(self._playout, self._job.room))
        await self._session.start(
            self._assistant,
            room=self._job.room,
            room_options=room_options(self._text_door.receive),
            session_host=False,
            record=False,
        )
        self._keep(self._render_phrases())
        try:
            async with asyncio.timeout(CALLER_WAIT_S):
                await self._job.wait_for_participant()
        except TimeoutError:
            logger.warning("no caller came within %.0f s", CALLER_WAIT_S)
            self._session.shutdown(drain=False)
            return
        except RuntimeError:  # LiveKit's: the room closed meanwhile
            logger.info("the caller left at once")
            return
        logger.info("call started")

    async def _record(self) -> None:
        settings = self._settings.conversations
        if not settings.is_recording:
            return
        self._recording = await begin_recording(Recordings(settings.recordings), self._diary.record.conversation)
        if self._recording:
            self._assistant.recording = self._recording
            self._playout.followers.append(self._recording.agent)

    def _keep_turn(self, turn: Turn) -> None:
        self._memory.keep(replace(turn, door="phone") if self._is_phone and turn.door == "voice" else turn)

    @property
    def _caller(self) -> rtc.RemoteParticipant | None:
        """Who is answered, while in the room. The session names the same one, but fails once it has ended."""
        return caller_in(self._job.room)

    @property
    def _is_phone(self) -> bool:
        """Whether the caller came by phone, also once the caller has left."""
        caller = self._caller
        self._came_by_phone |= caller is not None and caller.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
        return self._came_by_phone

    def _documents_on(self) -> bool:
        caller = self._caller
        return caller is None or caller.attributes.get(DOCUMENTS_ATTRIBUTE, "on") != "off"

    async def _interrupt(self, request: rtc.RpcInvocationData) -> str:
        """RPC `landline.interrupt`: be quiet now."""
        caller = self._caller
        if caller and caller.identity == request.caller_identity:
            await self._session.interrupt(force=True)
        return ""

    def _stop(self) -> None:
        """The caller speaks over the agent and means it."""
        self._session.interrupt(force=True)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        self._waterfall.said(event.item)
        self._diary.note(self._prompting.recent(self._assistant.chat_ctx.messages()))

    def _on_error(self, event: ErrorEvent) -> None:
        self._reports.trouble(event.error.type)

    def _on_close(self, event: CloseEvent) -> None:
        logger.info("call ended", extra={"reason": event.reason.value})
        self._diary.close()
        self._job.shutdown(reason=event.reason.value)

    def _say(self, phrase: str) -> None:
        """One of the phrases that need no model."""
        frames = self._assistant.phrases.frames(phrase)
        self._session.say(phrase, audio=frames, add_to_chat_ctx=False)

    def _tell(self, topic: str, content: Json) -> None:
        self._keep(self._send(topic, json.dumps(content)))
        if topic == TURN_TOPIC:
            self._keep(self._count(content))

    async def _count(self, turn: Json) -> None:
        is_spoken_by_phone = self._is_phone and turn["door"] == "voice"
        told = turn | ({"door": "phone"} if is_spoken_by_phone else {})
        await self._reports.turn(told, call_id=self._job.room.name)

    async def _send(self, topic: str, text: str) -> None:
        caller = self._caller
        if caller and self._job.room.isconnected():
            await self._job.room.local_participant.send_text(
                text, topic=topic, destination_identities=[caller.identity]
            )

    async def _render_phrases(self) -> None:
        voice, texts = self._settings.models.voice, (*phrases.ALL, *notices(self._settings.worker.max_waiting))
        if not phrases.missing(phrases.FOLDER, voice=voice, texts=texts):
            return
        try:
            await phrases.render(self._engine, phrases.FOLDER, voice=voice, texts=texts)
        except EngineError as error:
            logger.warning("phrases for bad moments are not rendered yet: %s", error.code)
        except OSError as error:
            logger.warning("phrases for bad moments are not kept: %s", error.strerror)
        self._assistant.phrases = phrases.cached(phrases.FOLDER, voice=voice)

    def _keep(self, running: Coroutine[Any, Any, None] | asyncio.Task[None]) -> None:
        task = asyncio.ensure_future(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _release(self) -> None:
        """Give back what the engine keeps for this call."""
        await self._outage.aclose()
        await self._ahead.aclose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hearing.aclose()
        await self._playout.aclose()
        await self._reports.aclose()
        try:
            await self._engine.release_call(self._job.room.name)
        except EngineError as error:
            logger.info("the engine frees this call later: %s", error.code)
        self._diary.close()
        self._waterfall.end()
        await self._memory.aclose()
        if self._recording:
            await self._recording.aclose()
        await self._engine.aclose()
