"""The light callers: speech as packets, when they are sent, and what is made of what comes back."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from livekit.protocol.models import DataPacket, DataStream

from agent.caller.line import RATE_HZ
from bench.light.opus import PACKET_SAMPLES, Decoder, encoded, packets, still
from plugins.audio import Float


def tone(seconds: float) -> Float:
    at = np.arange(round(seconds * RATE_HZ), dtype=np.float32) / RATE_HZ
    return (0.5 * np.sin(2 * np.pi * 300 * at)).astype(np.float32)


def quiet(seconds: float) -> Float:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def heard(sent: Sequence[bytes]) -> Float:
    decoder = Decoder()
    return np.concatenate([decoder.decode(packet) for packet in sent])


def test_speech_becomes_a_packet_for_every_twenty_milliseconds_and_sound_again() -> None:
    sent = packets(np.concatenate([quiet(0.1), tone(0.2), quiet(0.1)]))
    assert len(sent) == pytest.approx(20, abs=1)
    again = heard(sent)
    assert again.size == len(sent) * PACKET_SAMPLES
    loud = np.flatnonzero(np.abs(again) > 0.1)
    assert loud[0] / RATE_HZ == pytest.approx(0.1, abs=0.02) and loud[-1] / RATE_HZ == pytest.approx(0.3, abs=0.02)


def test_a_question_knows_where_it_is_spoken_and_ends_in_room_noise() -> None:
    made = encoded(np.concatenate([quiet(0.1), tone(0.2)]))
    assert made.first_audible_s == pytest.approx(0.1, abs=0.01)
    assert made.last_audible_s == pytest.approx(0.3, abs=0.01)
    assert len(made.packets) >= 0.6 / 0.02


def test_a_packet_that_tells_nothing_new_is_one_byte_and_silent() -> None:
    sent = packets(quiet(0.2))
    reminder = still(sent[-1])
    assert len(reminder) == 1
    assert np.abs(heard([*sent, reminder, reminder])).max() < 0.001


def test_what_cannot_be_decoded_is_silence() -> None:
    assert Decoder().decode(b"\xff\xff").size == 0


async def test_between_questions_next_to_nothing_is_sent() -> None:
    line: Any = pytest.importorskip("bench.light.line", reason="aiortc is a dependency of the benchmarks")
    microphone = line.Microphone()
    first, second = await microphone.recv(), await microphone.recv()
    assert second.pts - first.pts == line.REMINDER_PACKETS * PACKET_SAMPLES
    assert len(bytes(first)) == len(bytes(second)) == 1


async def test_a_packet_is_heard_when_a_real_ear_would_hear_it() -> None:
    line: Any = pytest.importorskip("bench.light.line", reason="aiortc is a dependency of the benchmarks")
    ear = line.PacketEar()
    ear.listen(after_s=10.0)
    for number, packet in enumerate(packets(np.concatenate([quiet(0.1), tone(0.1)]))):
        ear.hear(packet, at_s=10 + number * 0.02)
    assert await ear.sound() == pytest.approx(10.1 + line.EAR_DELAY_S, abs=0.02)
    assert not ear.was_early
    ear.listen(after_s=11.0)
    ear.hear(packets(tone(0.1))[2], at_s=10.5)
    assert ear.was_early and ear.began_s is None


def test_an_agent_who_sends_silence_is_silent() -> None:
    line: Any = pytest.importorskip("bench.light.line", reason="aiortc is a dependency of the benchmarks")
    ear = line.PacketEar()
    for number, packet in enumerate(packets(np.concatenate([tone(0.2), quiet(0.4)]))):
        ear.hear(packet, at_s=10 + number * 0.02)
    assert ear.last_sound_s == pytest.approx(10.2 + line.EAR_DELAY_S, abs=0.05)


def test_text_streams_are_put_together_by_their_number() -> None:
    room: Any = pytest.importorskip("bench.light.room", reason="aiortc is a dependency of the benchmarks")
    told: list[tuple[str, str]] = []

    def note(topic: str, text: str) -> None:
        told.append((topic, text))

    texts = room.Texts(note)
    page = json.dumps({"answered_ms": 300})
    for packet in (
        DataPacket(stream_header=DataStream.Header(stream_id="1", topic="landline.turn")),
        DataPacket(stream_header=DataStream.Header(stream_id="2", topic="other")),
        DataPacket(stream_chunk=DataStream.Chunk(stream_id="1", content=page[:5].encode())),
        DataPacket(stream_chunk=DataStream.Chunk(stream_id="3", content=b"of another time")),
        DataPacket(stream_chunk=DataStream.Chunk(stream_id="1", chunk_index=1, content=page[5:].encode())),
        DataPacket(stream_trailer=DataStream.Trailer(stream_id="1")),
    ):
        texts.take(packet.SerializeToString())
    assert told == [("landline.turn", page)]
