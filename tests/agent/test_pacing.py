"""Captions in step with the voice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from livekit.agents.types import TimedString

from agent import pacing
from agent.pacing import Playhead, in_step, word_by_word
from agent.playout import Playout


class Voice(Playout):
    """A voice that plays and ends when the test says so."""

    heard_s = 0.0

    def __init__(self) -> None:
        super().__init__(source=Nothing())
        self.playhead = Playhead()
        self.playhead.follow(self)

    @property
    def position_s(self) -> float:
        return self.heard_s

    def begins(self) -> None:
        self.heard_s = 0.0
        self.on_playback_started(created_at=0.0)

    def ends(self) -> None:
        self.emit("playback_finished", None)

    def passes(self, seconds: float) -> None:
        self.heard_s += seconds


class Nothing:
    """No loudspeaker at all."""

    queued_duration = 0.0

    def clear_queue(self) -> None:
        pass

    async def capture_frame(self, frame: Any) -> None:
        pass

    async def aclose(self) -> None:
        pass


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


async def test_a_voice_that_begins_again_earlier_shows_nothing_twice(voice: Voice) -> None:
    captions = Captions(TIMED, voice.playhead)
    voice.begins()
    voice.passes(0.35)
    assert await captions.now() == ["We ", "open "]
    voice.passes(-0.2)
    assert await captions.now() == ["We ", "open "]
    voice.passes(0.5)
    assert await captions.now() == ["We ", "open ", "at nine."]


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


async def test_without_a_voice_every_word_comes_by_itself_and_nothing_is_lost() -> None:
    written = ["We open at nine,\n", " and cl", "ose at ", "five. "]
    words = [word async for word in word_by_word(_each(written))]
    assert "".join(words) == "".join(written)
    assert len(words) == 9
