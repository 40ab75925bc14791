"""Captions in step with the voice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from livekit.agents import AgentStateChangedEvent
from livekit.agents.types import TimedString
from livekit.agents.voice.io import PlaybackFinishedEvent, PlaybackStartedEvent

from agent import pacing
from agent.pacing import Playhead, in_step

State = Literal["speaking", "listening"]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Voice:
    """A voice that plays, holds and ends when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.playhead = Playhead(clock=self.clock)

    def begins(self) -> None:
        self.playhead.on_started(PlaybackStartedEvent(created_at=self.clock.now))

    def ends(self, *, interrupted: bool = False) -> None:
        self.playhead.on_finished(PlaybackFinishedEvent(playback_position=0.0, interrupted=interrupted))

    def agent(self, old: State, new: State) -> None:
        self.playhead.on_agent_state(AgentStateChangedEvent(old_state=old, new_state=new))

    def passes(self, seconds: float) -> None:
        self.clock.now += seconds


@pytest.fixture
async def voice(monkeypatch: pytest.MonkeyPatch) -> Voice:
    monkeypatch.setattr(pacing, "STEP_S", 0)
    return Voice()


class Captions:
    """What is shown of `words` so far."""

    def __init__(self, words: list[str], playhead: Playhead) -> None:
        self.shown: list[str] = []
        self.task = asyncio.create_task(self._read(in_step(_each(words), playhead)))

    async def _read(self, words: AsyncIterator[str]) -> None:
        async for word in words:
            self.shown.append(word)

    async def now(self) -> list[str]:
        for _ in range(10):
            await asyncio.sleep(0)
        return self.shown


async def _each(words: list[str]) -> AsyncIterator[str]:
    for word in words:
        yield word


TIMED = [
    TimedString("We ", start_time=0.0),
    TimedString("open ", start_time=0.3),
    TimedString("at nine.", start_time=0.6),
]


async def test_nothing_is_shown_before_it_is_heard(voice: Voice) -> None:
    captions = Captions(TIMED, voice.playhead)
    assert await captions.now() == []
    voice.begins()
    assert await captions.now() == ["We "]
    voice.passes(0.31)
    assert await captions.now() == ["We ", "open "]
    voice.passes(0.31)
    assert await captions.now() == ["We ", "open ", "at nine."]


async def test_words_without_times_come_with_the_first_sound(voice: Voice) -> None:
    captions = Captions(["One ", "moment."], voice.playhead)
    assert await captions.now() == []
    voice.begins()
    assert await captions.now() == ["One ", "moment."]


async def test_a_voice_that_is_held_up_holds_up_its_captions(voice: Voice) -> None:
    captions = Captions(TIMED, voice.playhead)
    voice.begins()
    voice.agent("listening", "speaking")
    voice.passes(0.1)
    voice.agent("speaking", "listening")
    voice.passes(5.0)
    assert await captions.now() == ["We "]
    voice.agent("listening", "speaking")
    voice.passes(0.1)
    assert await captions.now() == ["We "]
    voice.passes(0.15)
    assert await captions.now() == ["We ", "open "]


async def test_when_a_segment_is_over_its_last_words_are_shown(voice: Voice) -> None:
    captions = Captions(TIMED, voice.playhead)
    voice.begins()
    await captions.now()
    voice.ends()
    assert len(await captions.now()) == 3


async def test_the_next_segment_waits_for_its_own_sound(voice: Voice) -> None:
    voice.begins()
    voice.ends()
    captions = Captions(TIMED, voice.playhead)
    assert await captions.now() == []
    voice.begins()
    assert await captions.now() == ["We "]


async def test_a_segment_that_already_plays_needs_no_waiting(voice: Voice) -> None:
    voice.begins()
    voice.passes(0.4)
    assert await Captions(TIMED, voice.playhead).now() == ["We ", "open "]


async def test_a_voice_that_nobody_hears_is_read(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "MUTE_S", 0)
    captions = Captions(TIMED, voice.playhead)
    await captions.task
    assert len(captions.shown) == 3


async def test_states_between_segments_mean_nothing(voice: Voice) -> None:
    voice.agent("listening", "speaking")
    voice.agent("speaking", "listening")
    captions = Captions(TIMED, voice.playhead)
    voice.begins()
    assert await captions.now() == ["We "]
