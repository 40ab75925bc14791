"""A caller kept company in a room until there is a line, with a room of paper."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc

from agent import hold
from agent.call_record import CALLS_FOLDER, WAITING_FOLDER, CallRecord, CallRecords, Diary, Lock
from agent.hold import Hold
from agent.lines import Lines
from agent.playout import Playout
from agent.settings import Settings
from agent.waiting import CLOSED, place_notice
from plugins.client import EngineClient

ROOM = "phone-1"


class Loudspeaker:
    """Plays everything at once."""

    queued_duration = 0.0

    def clear_queue(self) -> None: ...
    async def capture_frame(self, frame: rtc.AudioFrame) -> None: ...
    async def aclose(self) -> None: ...


class Room:
    """A room with one caller; notes what is written in it."""

    name = ROOM

    def __init__(self) -> None:
        self.written: list[str] = []
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.local_participant = self
        self.remote_participants = {"sip": SimpleNamespace(kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP)}
        self.is_deleted = False

    def isconnected(self) -> bool:
        return not self.is_deleted

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        self.handlers[event] = handler

    register_text_stream_handler = on

    def off(self, event: str, _: Callable[..., Any]) -> None:
        del self.handlers[event]

    def unregister_text_stream_handler(self, topic: str) -> None:
        del self.handlers[topic]

    async def send_text(self, text: str, **_: Any) -> None:
        self.written.append(text)

    def hang_up(self) -> None:
        self.remote_participants.clear()
        self.handlers["participant_disconnected"](
            SimpleNamespace(disconnect_reason=rtc.DisconnectReason.CLIENT_INITIATED)
        )


class Scene:
    """Somebody waits, first in line, while `talking` has the only line."""

    def __init__(self, folder: Path) -> None:
        calls, waiting = CallRecords(folder / CALLS_FOLDER), CallRecords(folder / WAITING_FOLDER)
        self.lines = Lines(calls, waiting, max_calls=1, max_waiting=4)
        self.lines.calls.write(CallRecord("talking"))
        self.lines.admit(ROOM, fitting=1)
        self.room = Room()
        self.fits: int | None = 1

    async def wait(self) -> asyncio.Task[bool]:
        """The wait, begun."""
        place = await Diary.open(self.lines.waiting, ROOM, agent="agent-1", is_resumed=True)
        assert place and place.record.process == os.getpid()
        playout = Playout(Loudspeaker())
        playout.start()
        job = cast(Any, SimpleNamespace(room=self.room, delete_room=self.delete_room))
        return asyncio.create_task(Hold(job, self.lines, place, playout, Settings()).until_line())

    async def delete_room(self) -> None:
        self.room.is_deleted = True

    async def fitting(self, _: EngineClient) -> int | None:
        return self.fits

    async def told(self, text: str, *, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.room.written.count(text) < times:
                await asyncio.sleep(0)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hold, "fitting", scene.fitting)
    monkeypatch.setattr(hold, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(hold, "TAKE_OVER_S", 0.0)
    return scene


async def test_the_caller_is_told_the_place_and_gets_the_line_that_becomes_free(scene: Scene) -> None:
    waiting = await scene.wait()
    await scene.told(place_notice(1))
    scene.lines.calls.remove("talking")
    assert await waiting
    assert scene.lines.calls.expected(since_s=0.0) == {ROOM}
    assert not scene.room.handlers, "the call that begins listens itself"


async def test_no_line_is_given_away_while_nobody_knows_what_the_engine_carries(scene: Scene) -> None:
    scene.fits = None
    scene.lines.calls.remove("talking")
    waiting = await scene.wait()
    await scene.told(place_notice(1))
    assert not waiting.done()
    scene.fits = 1
    assert await waiting


async def test_who_hangs_up_gives_the_place_up(scene: Scene) -> None:
    waiting = await scene.wait()
    await scene.told(place_notice(1))
    scene.room.hang_up()
    assert not await waiting
    assert scene.lines.queue() == [] and scene.room.is_deleted


async def test_whatever_is_typed_is_answered_by_the_place(scene: Scene) -> None:
    waiting = await scene.wait()
    await scene.told(place_notice(1))
    scene.room.handlers["lk.chat"](None, "sip")
    await scene.told(place_notice(1), times=2)
    scene.room.hang_up()
    await waiting


async def test_who_moves_to_another_worker_keeps_the_place(scene: Scene) -> None:
    other = Lock(scene.lines.waiting.watch)
    assert other.take()
    waiting = await scene.wait()
    await scene.told(place_notice(1))
    scene.lines.let_go({ROOM})
    assert not await waiting
    assert scene.lines.queue() == [ROOM]
    assert scene.room.written == [place_notice(1)] and not scene.room.is_deleted
    other.give_back()


async def test_where_no_worker_is_left_the_caller_is_told_and_the_call_ended(scene: Scene) -> None:
    waiting = await scene.wait()
    await scene.told(place_notice(1))
    scene.lines.let_go({ROOM})
    assert not await waiting
    assert scene.room.written[-1] == CLOSED and scene.room.is_deleted
    assert scene.lines.queue() == []
