"""Captions in step with the voice: each word appears when it is heard, and what was not heard was not said.

LiveKit's own synchronizer estimates the pace of speech from its sound, on the event loop, just when the first sound
should leave: some 40 ms for every second of an answer. Here the voice itself tells when its words are heard.
"""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator

from livekit.agents.types import TimedString
from livekit.agents.utils import is_given
from livekit.agents.voice import io

from agent.playout import Playout

WORD = re.compile(r"\s*\S+\s*|\s+")
STEP_S = 0.1
"""How often a waiting caption looks whether the voice was held up."""
MUTE_S = 3.0
"""A voice that nobody hears (a caller without audio) holds up its captions no longer than this."""


class Playhead:
    """Where the voice is in the segment that is being played."""

    def __init__(self) -> None:
        self._moved = asyncio.Event()
        self._playout: Playout | None = None
        self._is_playing = False

    def follow(self, playout: Playout) -> None:
        """Listen to the room's audio output."""
        self._playout = playout
        playout.on("playback_started", self._on_started)
        playout.on("playback_finished", self._on_finished)

    def _on_started(self, _: io.PlaybackStartedEvent) -> None:
        """The first sound of a segment leaves."""
        self._is_playing = True
        self._moved.set()

    def _on_finished(self, _: io.PlaybackFinishedEvent) -> None:
        """A segment was played to its end, or broken off."""
        self._is_playing = False
        self._moved.clear()

    @property
    def position_s(self) -> float:
        """How much of the segment has been heard; everything, once it is over."""
        return self._playout.position_s if self._playout and self._is_playing else float("inf")

    async def start(self) -> None:
        """Wait until a segment is being played."""
        await self._moved.wait()

    async def reach(self, position_s: float) -> None:
        """Wait until the voice is there, or the segment is over."""
        while True:
            left_s = position_s - self.position_s
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, STEP_S))


async def in_step(words: AsyncIterable[str | TimedString], playhead: Playhead) -> AsyncIterator[str | TimedString]:
    """`words` as they are heard. Words without times come with the first sound of their segment."""
    is_heard = False
    async for word in words:
        if not is_heard:
            is_heard = True
            await _first_sound(playhead)
        if isinstance(word, TimedString) and is_given(word.start_time):
            await playhead.reach(word.start_time)
        yield word


async def word_by_word(text: AsyncIterable[str | TimedString]) -> AsyncIterator[str]:
    """`text` in words, however large the pieces are in which it is written."""
    async for piece in text:
        for word in WORD.findall(piece):
            yield word


async def _first_sound(playhead: Playhead) -> None:
    try:
        async with asyncio.timeout(MUTE_S):
            await playhead.start()
    except TimeoutError:
        return
