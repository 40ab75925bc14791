"""The caller's audio on its way into the session."""

import pytest
from livekit import rtc
from livekit.agents.voice import io

from agent.microphone import Microphone

RATE_HZ = 16_000


class Track(io.AudioInput):
    """Frames of 10 ms, told apart by their samples."""

    def __init__(self, count: int) -> None:
        super().__init__(label="track")
        self._frames = iter(range(count))
        self.is_attached = False

    async def __anext__(self) -> rtc.AudioFrame:
        number = next(self._frames, None)
        if number is None:
            raise StopAsyncIteration
        return rtc.AudioFrame(bytes([number, 0]) * 160, RATE_HZ, 1, 160)

    def on_attached(self) -> None:
        self.is_attached = True


def numbers(frame: rtc.AudioFrame) -> list[int]:
    return sorted(set(frame.data))


async def test_each_frame_is_heard_at_once_and_goes_on_with_the_next() -> None:
    heard: list[list[int]] = []
    microphone = Microphone(Track(4), hear=lambda frame: heard.append(numbers(frame)))
    first = await anext(microphone)
    assert heard == [[0], [1]]
    assert numbers(first) == [0, 1] and first.duration == pytest.approx(0.02)
    assert numbers(await anext(microphone)) == [2, 3]


async def test_the_end_of_the_track_is_the_end() -> None:
    microphone = Microphone(Track(3), hear=lambda _: None)
    assert [numbers(frame) async for frame in microphone] == [[0, 1]]


async def test_whoever_attaches_it_attaches_the_track() -> None:
    track = Track(1)
    Microphone(track, hear=lambda _: None).on_attached()
    assert track.is_attached
