"""A caller who is in a room already while all lines are taken: told the place in line until there is a line.

The agent has joined by then and speaks from recordings. Nothing listens and no model is asked for anything, so whoever
waits costs those who talk nothing.
"""

import asyncio
import logging
import os
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from livekit import rtc
from livekit.agents import JobContext
from livekit.agents.types import (
    ATTRIBUTE_TRANSCRIPTION_FINAL,
    ATTRIBUTE_TRANSCRIPTION_SEGMENT_ID,
    TOPIC_CHAT,
    TOPIC_TRANSCRIPTION,
)
from livekit.agents.voice.room_io.types import DEFAULT_CLOSE_ON_DISCONNECT_REASONS

from agent import phrases
from agent.call_record import Diary, Lock
from agent.limit import fitting
from agent.lines import Lines
from agent.playout import Playout
from agent.settings import Settings
from agent.waiting import CLOSED, Step, Wait, place_notice
from plugins.client import EngineClient

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
LAST_NOTICE_S = 6.0
"""How long a notice may go on once the wait is over."""
TAKE_OVER_S = 1.0
"""After this it is clear whether another worker looks after those who wait."""


class GiveVoice(Protocol):
    """Publishes the agent's voice in a room."""

    def __call__(self, playout: Playout, room: rtc.Room) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True)
class Waited:
    """What a call has that waited for its line: a voice, which `voice` publishes, and a place until it is on record."""

    playout: Playout
    voice: asyncio.Task[None]
    place: Diary


async def wait_for_line(job: JobContext, lines: Lines, settings: Settings, give_voice: GiveVoice) -> Waited | None:
    """Join, and keep the caller company until the call has a line; None if it will have none in this process."""
    place = await Diary.open(lines.waiting, job.room.name, agent=job.local_participant_identity, is_resumed=True)
    if place is None:
        logger.warning("another process has this caller")
        return None
    await job.connect()
    playout = Playout()
    voice = asyncio.create_task(give_voice(playout, job.room))
    if await Hold(job, lines, place, playout, settings).until_line():
        return Waited(playout, voice, place)
    voice.cancel()
    await asyncio.gather(voice, return_exceptions=True)
    await playout.aclose()
    return None


class Hold:
    """One caller's wait in the room of `job`; `place` is the place in line, on record."""

    def __init__(self, job: JobContext, lines: Lines, place: Diary, playout: Playout, settings: Settings) -> None:
        self._job = job
        self._room = job.room
        self._lines = lines
        self._place = place
        self._playout = playout
        self._settings = settings
        self._wait = Wait(seen_s=asyncio.get_running_loop().time())
        self._notice = ""
        self._has_hung_up = False
        self._speech = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def until_line(self) -> bool:
        """Whether there is a line for the caller in the end."""
        self._room.on("participant_disconnected", self._on_left)
        self._room.register_text_stream_handler(TOPIC_CHAT, self._on_typed)
        logger.info("a caller waits for a line", extra={"waiting": len(self._lines.queue())})
        try:
            async with EngineClient(self._settings.engine.url) as engine:
                return await self._keep_company(engine)
        finally:
            self._room.off("participant_disconnected", self._on_left)
            self._room.unregister_text_stream_handler(TOPIC_CHAT)
            await self._fall_silent()

    async def _keep_company(self, engine: EngineClient) -> bool:
        while True:
            step = self._next_step(is_line_free=self._lines.has_free())
            if step == "ask":
                if await self._gets_line(engine):
                    logger.info("a caller waited and has a line")
                    return True
                step = self._next_step(is_line_free=False)
            match step:
                case "leave":
                    await self._leave()
                    return False
                case "move":
                    await self._move()
                    return False
                case "tell":
                    self._keep(self._say(self._notice))
                case _:
                    pass
            await asyncio.sleep(LOOK_EVERY_S)

    def _next_step(self, *, is_line_free: bool) -> Step:
        if self._has_hung_up or not self._room.isconnected():
            return "leave"
        place = self._place_in_line()
        if place is not None:
            self._notice = place_notice(place)
        now_s = asyncio.get_running_loop().time()
        return self._wait.next_step(place=place, is_here=self._is_here(), is_line_free=is_line_free, now_s=now_s)

    def _place_in_line(self) -> int | None:
        """From 1; None once the record names another process than this."""
        record, queue = self._lines.waiting.read(self._room.name), self._lines.queue()
        if record is None or record.process != os.getpid() or self._room.name not in queue:
            return None
        return queue.index(self._room.name) + 1

    def _is_here(self) -> bool:
        agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        return any(one.kind != agent for one in self._room.remote_participants.values())

    def _on_left(self, caller: rtc.RemoteParticipant) -> None:
        self._has_hung_up = caller.disconnect_reason in DEFAULT_CLOSE_ON_DISCONNECT_REASONS and not self._is_here()

    async def _gets_line(self, engine: EngineClient) -> bool:
        fits = await fitting(engine)
        return fits is not None and self._lines.advance(self._room.name, fitting=fits)

    async def _leave(self) -> None:
        logger.info("a caller waits no longer")
        self._place.close()
        await self._job.delete_room()

    async def _move(self) -> None:
        """This worker ends: the caller keeps the place in a process of another one, if there is any."""
        await asyncio.sleep(TAKE_OVER_S)
        if Lock(self._lines.waiting.watch).is_held():
            logger.info("a caller waits on with another worker")
            return
        self._keep(self._say(CLOSED))
        await self._fall_silent()
        await self._leave()

    async def _say(self, text: str) -> None:
        """Aloud, one notice after the other, and in writing."""
        async with self._speech:
            voice = self._settings.models.voice
            known = await asyncio.to_thread(phrases.cached, phrases.FOLDER, voice=voice, texts=[text])
            await self._write(text)
            async for frame in known.frames(text):
                await self._playout.capture_frame(frame)
            self._playout.flush()
            await self._playout.wait_for_playout()

    async def _write(self, text: str) -> None:
        attributes = {
            ATTRIBUTE_TRANSCRIPTION_SEGMENT_ID: f"notice-{uuid4().hex}",
            ATTRIBUTE_TRANSCRIPTION_FINAL: "true",
        }
        if self._room.isconnected():
            await self._room.local_participant.send_text(text, topic=TOPIC_TRANSCRIPTION, attributes=attributes)

    def _on_typed(self, _: rtc.TextStreamReader, __: str) -> None:
        """Whatever a waiting caller types is answered by the place."""
        self._keep(self._write(self._notice))

    def _keep(self, running: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fall_silent(self) -> None:
        """Let whoever still listens hear the notice out."""
        if self._tasks and self._is_here():
            await asyncio.wait(self._tasks, timeout=LAST_NOTICE_S)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._playout.clear_buffer()
