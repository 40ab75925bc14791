"""The agent's track: ducking, holding and going on, against a loudspeaker whose time the test tells."""

import asyncio
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent
from livekit.rtc.participant import PublishTrackError

from agent.barge_in import Stance
from agent.call import give_voice
from agent.playout import LEAD_S, RATE_HZ, TURNED_DOWN, Playout
from plugins.audio import Int16

LOUD = 10_000


class Loudspeaker:
    """Plays only when the test lets time pass; what is cleared before was never heard."""

    def __init__(self) -> None:
        self.heard: Int16 = np.zeros(0, np.int16)
        self._queue: Int16 = np.zeros(0, np.int16)

    @property
    def queued_duration(self) -> float:
        return self._queue.size / RATE_HZ

    def clear_queue(self) -> None:
        self._queue = self._queue[:0]

    async def capture_frame(self, frame: Any) -> None:
        self._queue = np.concatenate([self._queue, np.frombuffer(bytes(frame.data), "<i2")])

    async def aclose(self) -> None:
        pass

    def plays(self, seconds: float) -> Int16:
        count = round(seconds * RATE_HZ)
        played, self._queue = self._queue[:count], self._queue[count:]
        self.heard = np.concatenate([self.heard, played])
        return played


class Stage:
    """A playout in front of a loudspeaker, and how its speech ended."""

    def __init__(self) -> None:
        self.loudspeaker = Loudspeaker()
        self.playout = Playout(self.loudspeaker)
        self.ended: list[PlaybackFinishedEvent] = []
        self.playout.on("playback_finished", self.ended.append)
        self.playout.start()

    async def speaks(self, samples: Int16) -> None:
        await self.playout.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, samples.size))
        self.playout.flush()

    async def passes(self, seconds: float) -> Int16:
        """Time passes in steps of 20 ms; returns what was heard."""
        heard = [np.zeros(0, np.int16)]
        for _ in range(round(seconds / 0.02)):
            await self._settles()
            heard.append(self.loudspeaker.plays(0.02))
        await self._settles()
        return np.concatenate(heard)

    async def _settles(self) -> None:
        self.playout.resume()
        for _ in range(20):
            await asyncio.sleep(0)

    async def leaves(self) -> None:
        await self.playout.aclose()


@pytest.fixture
async def stage() -> Any:
    made = Stage()
    yield made
    await made.leaves()


def counting(seconds: float) -> Int16:
    """Samples that tell their own position."""
    return (np.arange(round(seconds * RATE_HZ)) // 8 + 1).astype(np.int16)


def loud(seconds: float) -> Int16:
    return np.full(round(seconds * RATE_HZ), LOUD, np.int16)


async def test_all_of_it_is_heard_and_its_end_reported(stage: Stage) -> None:
    await stage.speaks(counting(1.0))
    heard = await stage.passes(1.1)
    assert heard[:RATE_HZ].tolist() == counting(1.0).tolist()
    [end] = stage.ended
    assert not end.interrupted and end.playback_position == pytest.approx(1.0)
    assert not stage.playout.is_speaking


async def test_little_waits_in_front_of_the_wire(stage: Stage) -> None:
    await stage.speaks(loud(3.0))
    await stage.passes(0.5)
    assert stage.loudspeaker.queued_duration <= LEAD_S + 0.05
    assert stage.playout.position_s == pytest.approx(0.5)


async def test_turned_down_it_is_quieter_at_once_and_loses_nothing(stage: Stage) -> None:
    await stage.speaks(loud(1.0))
    await stage.passes(0.4)
    stage.playout.take(Stance.DUCK)
    down = await stage.passes(0.1)
    assert down[round(0.01 * RATE_HZ) :].max() == round(LOUD * TURNED_DOWN)
    stage.playout.take(Stance.SPEAK)
    await stage.passes(0.7)
    assert stage.loudspeaker.heard.size == RATE_HZ
    assert stage.loudspeaker.heard[-100:].min() == LOUD


async def test_held_it_is_silent_and_keeps_its_place(stage: Stage) -> None:
    await stage.speaks(loud(1.0))
    await stage.passes(0.4)
    stage.playout.take(Stance.HOLD)
    assert (await stage.passes(2.0)).size == 0
    assert stage.playout.position_s == pytest.approx(0.4)
    assert stage.playout.is_speaking


async def test_after_a_hold_every_word_that_was_covered_is_said_again(stage: Stage) -> None:
    await stage.speaks(counting(1.0))
    await stage.passes(0.5)
    stage.playout.take(Stance.DUCK)
    await stage.passes(0.1)
    stage.playout.take(Stance.HOLD)
    await stage.passes(0.3)
    before = stage.loudspeaker.heard.size
    stage.playout.take(Stance.SPEAK)
    await stage.passes(1.5)
    again = stage.loudspeaker.heard.size - before
    assert 0.5 * RATE_HZ <= again <= 0.9 * RATE_HZ
    assert stage.loudspeaker.heard[-RATE_HZ // 4 :].tolist() == counting(1.0)[-RATE_HZ // 4 :].tolist()


async def test_broken_off_it_reports_how_much_was_heard(stage: Stage) -> None:
    await stage.speaks(loud(2.0))
    await stage.passes(0.6)
    stage.playout.clear_buffer()
    [end] = stage.ended
    assert end.interrupted and end.playback_position == pytest.approx(0.6)
    assert stage.loudspeaker.queued_duration == 0


async def test_the_next_speech_is_as_loud_as_usual(stage: Stage) -> None:
    await stage.speaks(loud(1.0))
    await stage.passes(0.2)
    stage.playout.take(Stance.STOP)
    stage.playout.clear_buffer()
    await stage.speaks(loud(0.2))
    assert (await stage.passes(0.3)).tolist() == loud(0.2).tolist()


async def test_nothing_is_broken_off_before_anything_was_said(stage: Stage) -> None:
    stage.playout.clear_buffer()
    stage.playout.take(Stance.HOLD)
    await stage.speaks(loud(0.1))
    assert (await stage.passes(0.2)).size == 0.1 * RATE_HZ


class Publication:
    async def wait_for_subscription(self) -> None:
        return


class Refused(Playout):
    """A playout whose track is refused so many times."""

    def __init__(self, *, refusals: int) -> None:
        super().__init__(Loudspeaker())
        self.tries = 0
        self._refusals = refusals

    async def _publish(self, room: Any) -> Any:
        self.tries += 1
        if self.tries <= self._refusals:
            raise PublishTrackError("engine: connection error")
        return Publication()


class Room:
    def __init__(self, *, is_connected: bool = True) -> None:
        self._is_connected = is_connected

    def isconnected(self) -> bool:
        return self._is_connected


async def deaths(playout: Playout, room: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many times the process dies of it."""
    died: list[bool] = []
    monkeypatch.setattr("agent.call.LAST_WORDS_S", 0.0)
    await give_voice(playout, room, die=lambda: died.append(True))
    await playout.aclose()
    return len(died)


async def test_a_track_that_was_refused_is_published_at_the_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    playout = Refused(refusals=1)
    assert await deaths(playout, Room(), monkeypatch) == 0
    assert playout.tries == 2


async def test_a_process_whose_agent_stays_mute_dies_and_leaves_the_call_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    playout = Refused(refusals=2)
    assert await deaths(playout, Room(), monkeypatch) == 1
    assert playout.tries == 2


async def test_nobody_dies_for_a_room_that_was_left_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await deaths(Refused(refusals=2), Room(is_connected=False), monkeypatch) == 0
