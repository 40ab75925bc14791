"""The session's voice activity detection, told by the one that hearing has."""

import asyncio

from livekit import rtc
from livekit.agents import vad

from agent.told_vad import ToldVAD


class Detector(vad.VAD):
    """Only its capabilities count."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))

    def stream(self) -> vad.VADStream:
        raise AssertionError("a second detector was started")


def event(kind: vad.VADEventType, at: int = 0) -> vad.VADEvent:
    return vad.VADEvent(type=kind, samples_index=at, timestamp=0.0, speech_duration=0.0, silence_duration=0.0)


async def test_every_stream_hears_what_is_told_and_needs_no_audio() -> None:
    told = ToldVAD(Detector())
    streams = [told.stream(), told.stream()]
    for stream in streams:
        stream.push_frame(rtc.AudioFrame(bytes(320), 16_000, 1, 160))
    told.tell(event(vad.VADEventType.START_OF_SPEECH, at=7))
    assert [(await anext(stream)).samples_index for stream in streams] == [7, 7]
    for stream in streams:
        await stream.aclose()


async def test_a_stream_ends_with_its_input_and_is_told_no_more() -> None:
    told = ToldVAD(Detector())
    stream = told.stream()
    stream.end_input()
    assert [one async for one in stream] == []
    told.tell(event(vad.VADEventType.START_OF_SPEECH))
    await stream.aclose()


async def test_a_flush_changes_nothing() -> None:
    told = ToldVAD(Detector())
    stream = told.stream()
    stream.flush()
    told.tell(event(vad.VADEventType.END_OF_SPEECH, at=9))
    async with asyncio.timeout(5):
        assert (await anext(stream)).samples_index == 9
    await stream.aclose()
