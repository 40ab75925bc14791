"""The caller's microphone on its way to the session: what comes of a track, and whose track it is."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit import rtc

from agent.hearing import HALF_MS, RATE_HZ, Hearing, caller_in, microphone_of

HALF = RATE_HZ * HALF_MS // 1000
LOUD = 8000
MICROPHONE, CAMERA = rtc.TrackSource.SOURCE_MICROPHONE, rtc.TrackSource.SOURCE_CAMERA
STANDARD, AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD, rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


class Microphone:
    """A track that sounds as it is told."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)

    async def send(self, *amplitudes: int) -> None:
        """Half a frame of each."""
        for amplitude in amplitudes:
            pcm = np.full(HALF, amplitude, np.int16).tobytes()
            await self._source.capture_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, HALF))


@dataclass
class Publication:
    track: Any
    source: Any = MICROPHONE


@dataclass
class Participant:
    track_publications: dict[str, Publication] = field(default_factory=dict)
    kind: Any = STANDARD


class Room(rtc.EventEmitter[str]):
    """Who is there, and word of changes."""

    def __init__(self, **participants: Participant) -> None:
        super().__init__()
        self.remote_participants = participants


@dataclass
class Ears:
    """A hearing, the halves that were looked at with their threads, and how often it was startled."""

    looked_at: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    startled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hearing = Hearing(is_startling=self._look, startled=self.startled.set)

    def _look(self, half: rtc.AudioFrame) -> bool:
        self.looked_at.append(half.samples_per_channel)
        self.threads.add(threading.get_ident())
        return int(np.abs(np.frombuffer(half.data, np.int16)).max()) >= LOUD

    async def until(self, is_so: Callable[[rtc.AudioFrame], bool]) -> rtc.AudioFrame:
        """The next whole frame that is so."""
        async with asyncio.timeout(10):
            return await anext(frame async for frame in self.hearing if is_so(frame))


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    ears = Ears()
    yield ears
    await ears.hearing.aclose()


def is_loud(frame: rtc.AudioFrame) -> bool:
    return int(np.abs(np.frombuffer(frame.data, np.int16)).max()) >= LOUD // 2


async def test_two_halves_come_as_one_frame_and_each_is_looked_at_on_another_thread(ears: Ears) -> None:
    microphone = Microphone()
    ears.hearing.listen(Room(anna=Participant({"a": Publication(microphone.track)})))  # type: ignore[arg-type]
    sending = asyncio.create_task(microphone.send(*[LOUD] * 20))
    frame = await ears.until(is_loud)
    await sending
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (RATE_HZ, 1, 2 * HALF)
    assert set(ears.looked_at) == {HALF}
    assert threading.get_ident() not in ears.threads


async def test_a_startling_half_is_told_at_once(ears: Ears) -> None:
    microphone = Microphone()
    ears.hearing.listen(Room(anna=Participant({"a": Publication(microphone.track)})))  # type: ignore[arg-type]
    await microphone.send(*[0] * 10)
    assert not ears.startled.is_set()
    await microphone.send(*[LOUD] * 10)
    async with asyncio.timeout(10):
        await ears.startled.wait()


async def test_a_track_that_takes_the_place_of_another_is_heard(ears: Ears) -> None:
    first, second = Microphone(), Microphone()
    publication = Publication(first.track)
    room = Room(anna=Participant({"a": publication}))
    ears.hearing.listen(room)  # type: ignore[arg-type]
    await first.send(*[0] * 10)
    publication.track = second.track
    room.emit("track_subscribed", second.track, publication, room.remote_participants["anna"])
    sending = asyncio.create_task(second.send(*[LOUD] * 20))
    assert (await ears.until(is_loud)).samples_per_channel == 2 * HALF
    await sending


async def test_a_microphone_that_is_gone_is_let_go_and_the_next_may_come(ears: Ears) -> None:
    microphone = Microphone()
    publication = Publication(microphone.track)
    room = Room(anna=Participant({"a": publication}))
    ears.hearing.listen(room)  # type: ignore[arg-type]
    publication.track = None
    room.emit("track_unsubscribed", microphone.track, publication, room.remote_participants["anna"])
    publication.track = microphone.track
    room.emit("track_subscribed", microphone.track, publication, room.remote_participants["anna"])
    sending = asyncio.create_task(microphone.send(*[LOUD] * 20))
    assert is_loud(await ears.until(is_loud))
    await sending


async def test_after_the_end_there_are_no_frames(ears: Ears) -> None:
    room = Room(anna=Participant({"a": Publication(Microphone().track)}))
    ears.hearing.listen(room)  # type: ignore[arg-type]
    await ears.hearing.aclose()
    assert [frame async for frame in ears.hearing if is_loud(frame)] == []


def test_the_caller_is_the_first_who_is_no_agent() -> None:
    agent, anna, bert = Participant(kind=AGENT), Participant(), Participant()
    assert caller_in(Room(agent=agent, anna=anna, bert=bert)) is anna  # type: ignore[arg-type]
    assert caller_in(Room(agent=agent)) is None  # type: ignore[arg-type]


def test_only_a_microphone_that_can_be_heard_counts() -> None:
    camera, unheard, heard = Publication("video", CAMERA), Publication(None), Publication("voice")
    assert microphone_of(Participant({"a": camera, "b": unheard})) is None  # type: ignore[arg-type]
    assert microphone_of(Participant({"a": camera, "b": unheard, "c": heard})) == "voice"  # type: ignore[arg-type]
    assert microphone_of(None) is None
