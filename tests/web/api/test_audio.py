"""Recordings in, speech out, in every format."""

import base64
import io
import json
import struct
from collections.abc import Iterator
from typing import Any

import aiohttp
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from tests.web.api.conftest import Client, FakeAgent, events
from web.api.backend import Word
from web.api.encoding import encoder
from web.api.errors import ApiError
from web.api.recording import LONGEST_CUT_S, cut, decode, within_limits
from web.api.subtitles import cues, srt

RATE_HZ = 16_000


def tone(seconds: float, *, kind: Any = "wav") -> bytes:
    """A recording of one note."""
    at = np.arange(int(22_050 * seconds)) / 22_050
    pcm = (np.sin(2 * np.pi * 440 * at) * 12_000).astype(np.int16).tobytes()
    coder = encoder(kind, rate_hz=22_050)
    return b"".join([*(coder.add(pcm[i : i + 8820]) for i in range(0, len(pcm), 8820)), coder.end()])


def converted(data: bytes, container: str, codec: str) -> bytes:
    """The same sound in another file."""
    import av

    buffer = io.BytesIO()
    with av.open(io.BytesIO(data), "r", format="wav") as source, av.open(buffer, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=48_000, layout="mono")
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return buffer.getvalue()


def wav(rate_hz: int, samples: int = 100) -> bytes:
    """A WAV file that says of itself that it has this rate."""
    size = 2 * samples
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + kind + struct.pack("<4sI", b"data", size) + bytes(size)


def files() -> Iterator[tuple[str, bytes]]:
    yield "wav", tone(1)
    yield "mp3", tone(1, kind="mp3")
    yield "ogg", tone(1, kind="opus")
    yield "flac", converted(tone(1), "flac", "flac")
    yield "webm", converted(tone(1), "webm", "libopus")


def form(data: bytes, **fields: str) -> aiohttp.FormData:
    made = aiohttp.FormData(fields)
    made.add_field("file", io.BytesIO(data), filename="recording.bin")
    return made


@pytest.mark.parametrize(("kind", "data"), [pytest.param(*file, id=file[0]) for file in files()])
def test_every_format_is_heard_as_the_same_note(kind: str, data: bytes) -> None:
    pcm = decode(data, longest_s=10)
    assert abs(pcm.size / RATE_HZ - 1) < 0.15
    spectrum = np.abs(np.fft.rfft(pcm.astype(float)))
    assert abs(np.argmax(spectrum) * RATE_HZ / pcm.size - 440) < 5


def test_a_long_recording_is_cut_where_nobody_speaks() -> None:
    noise = np.random.default_rng(1).integers(-9000, 9000, 40 * RATE_HZ).astype(np.int16)
    noise[9 * RATE_HZ : 10 * RATE_HZ] = 0
    pieces = list(cut(noise))
    assert 9 <= pieces[0].size / RATE_HZ <= 10
    assert max(piece.size for piece in pieces) <= LONGEST_CUT_S * RATE_HZ
    assert np.array_equal(np.concatenate(pieces), noise)


async def test_a_transcription_is_text_by_default(door: Client) -> None:
    response = await door.post("/v1/audio/transcriptions", data=form(tone(1), model="whisper-1", language="en"))
    assert await response.json() == {"text": "hello there"}


async def test_a_long_recording_is_heard_in_pieces_and_its_words_have_their_places(
    door: Client, agent: FakeAgent
) -> None:
    sent = form(tone(20), response_format="verbose_json")
    said = await (await door.post("/v1/audio/transcriptions", data=sent)).json()
    assert len(agent.heard_s) == 2 and abs(sum(agent.heard_s) - 20) < 0.1
    assert said["text"] == "hello there hello there" and abs(said["duration"] - 20) < 0.1
    assert said["words"][2]["start"] == pytest.approx(agent.heard_s[0] + 0.25, abs=0.002)
    assert [segment["id"] for segment in said["segments"]] == [0, 1]


async def test_granularities_choose_what_verbose_json_has(door: Client) -> None:
    sent = form(tone(1), response_format="verbose_json")
    sent.add_field("timestamp_granularities[]", "word")
    said = await (await door.post("/v1/audio/transcriptions", data=sent)).json()
    assert said["words"] and "segments" not in said


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [("text", "hello there"), ("srt", "1\n00:00:00,250 --> 00:00:01,000\n"), ("vtt", "WEBVTT\n\n00:00:00.250 --> ")],
)
async def test_other_formats_of_a_transcription(door: Client, kind: str, beginning: str) -> None:
    response = await door.post("/v1/audio/transcriptions", data=form(tone(1), response_format=kind))
    assert (await response.text()).startswith(beginning)


async def test_a_transcription_streams_piece_by_piece(door: Client) -> None:
    response = await door.post("/v1/audio/transcriptions", data=form(tone(20), stream="true"))
    lines = await events(response)
    said = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert [event["type"].rpartition(".")[2] for event in said] == ["delta", "delta", "done"]
    assert "".join(event["delta"] for event in said[:-1]) == said[-1]["text"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"hello", 400),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n", 400),
        (b"RIFF\0\0\0\0WAVEjunk", 400),
        (wav(16_000).replace(b"\1\0\1\0", b"\x99\x99\1\0"), 400),
        (b"OggS" + b"\0" * 400, 400),
        (b"ID3" + b"\0" * 400, 400),
        (b"fLaC", 400),
        (b"\x1aE\xdf\xa3" + b"\1" * 99, 400),
        (tone(41), 413),
    ],
    ids=["nothing", "text", "playlist", "wav", "codec", "ogg", "mp3", "flac", "webm", "too long"],
)
async def test_what_is_no_recording_is_refused(door: Client, data: bytes, status: int) -> None:
    response = await door.post("/v1/audio/transcriptions", data=form(data))
    assert response.status == status
    assert (await response.json())["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("rate_hz", [20, 3_999, 192_001, 100_000_000])
async def test_a_rate_that_the_resampler_would_drown_in_is_refused_by_name(door: Client, rate_hz: int) -> None:
    response = await door.post("/v1/audio/transcriptions", data=form(wav(rate_hz)))
    assert response.status == 400
    assert f"{rate_hz} Hz is not taken" in (await response.json())["error"]["message"]


@pytest.mark.parametrize("rate_hz", [4_000, 192_000])
def test_every_rate_that_microphones_have_is_taken(rate_hz: int) -> None:
    assert decode(wav(rate_hz, samples=rate_hz), longest_s=2).size == pytest.approx(RATE_HZ, rel=0.01)


def frame(samples: int, *, rate_hz: int) -> AudioFrame:
    made = AudioFrame("s16", "mono", samples)
    made.sample_rate = rate_hz
    return made


def test_a_rate_that_changes_within_the_recording_is_looked_at_too() -> None:
    with pytest.raises(ApiError, match="90000000 Hz"):
        list(within_limits([frame(100, rate_hz=16_000), frame(100, rate_hz=90_000_000)], longest_s=9))


def test_a_recording_is_too_long_before_it_is_resampled() -> None:
    frames = within_limits([frame(4_000, rate_hz=4_000), frame(1, rate_hz=4_000)], longest_s=1)
    assert next(frames)
    with pytest.raises(ApiError, match="may last 1 s"):
        next(frames)


async def test_a_form_without_a_file_and_a_body_without_a_form_are_refused(door: Client) -> None:
    other = aiohttp.FormData({"model": "whisper-1"})
    other.add_field("note", b"x", filename="x")
    response = await door.post("/v1/audio/transcriptions", data=other)
    assert (response.status, (await response.json())["error"]["param"]) == (400, "file")
    assert (await door.post("/v1/audio/transcriptions", json={})).status == 415
    broken = {"Content-Type": "multipart/form-data"}
    assert (await door.post("/v1/audio/transcriptions", data=b"x", headers=broken)).status == 400
    broken = {"Content-Type": "multipart/form-data; boundary=b"}
    assert (await door.post("/v1/audio/transcriptions", data=b"--b\r\nNone--b--\r\n", headers=broken)).status == 400


async def test_the_plain_route_takes_a_form_or_the_recording_itself(door: Client, agent: FakeAgent) -> None:
    in_a_form = await door.post("/transcribe", data=form(tone(1)))
    alone = await door.post("/transcribe", data=tone(1), params={"language": "en"})
    for response in (in_a_form, alone):
        said = await response.json()
        assert said["text"] == "hello there" and said["words"][0] == {"text": "hello", "start_s": 0.25, "end_s": 0.5}
    assert agent.languages == [None, "en"]


@pytest.mark.parametrize("kind", ["mp3", "opus", "wav", "pcm"])
async def test_speech_comes_in_the_format_asked_for(door: Client, kind: str) -> None:
    asked = {"model": "tts-1", "voice": "alloy", "input": "one two three four five", "response_format": kind}
    response = await door.post("/v1/audio/speech", json=asked)
    data = await response.read()
    seconds = len(data) / 48_000 if kind == "pcm" else decode(data, longest_s=9).size / RATE_HZ
    assert seconds == pytest.approx(0.5, abs=0.15)
    assert response.headers["Content-Type"].startswith("audio/")


async def test_speech_as_events_is_the_same_file_in_pieces(door: Client) -> None:
    asked = {"input": "one two", "response_format": "wav", "stream_format": "sse"}
    lines = await events(await door.post("/v1/audio/speech", json=asked))
    said = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert said[-1]["type"] == "speech.audio.done"
    data = b"".join(base64.b64decode(event["audio"]) for event in said[:-1])
    assert decode(data, longest_s=9).size / RATE_HZ == pytest.approx(0.2, abs=0.01)


async def test_synthesize_is_the_same_with_plain_names(door: Client) -> None:
    data = await (await door.post("/synthesize", json={"text": "one two"})).read()
    assert data[:4] == b"RIFF"


async def test_embeddings_are_numbers_or_openais_base64(door: Client) -> None:
    numbers = await (await door.post("/v1/embeddings", json={"input": ["a", "b"]})).json()
    assert [row["embedding"] for row in numbers["data"]] == [[0.0, 1.0], [0.0, 1.0]]
    packed = await (await door.post("/v1/embeddings", json={"input": "a", "encoding_format": "base64"})).json()
    assert np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), np.float32).tolist() == [0.0, 1.0]
    assert (await door.post("/v1/embeddings", json={"input": "a", "dimensions": 3})).status == 400
    assert (await door.post("/v1/embeddings", json={"input": []})).status == 400


async def test_as_many_texts_are_embedded_at_once_as_openai_takes(door: Client) -> None:
    answer = await (await door.post("/v1/embeddings", json={"input": ["a"] * 2048})).json()
    assert [row["index"] for row in answer["data"]] == list(range(2048))
    assert (await door.post("/v1/embeddings", json={"input": ["a"] * 2049})).status == 400


def test_subtitles_change_at_sentence_ends_and_pauses() -> None:
    words = [Word("Yes.", 0, 0.5), Word("We", 0.6, 0.8), Word("open", 0.8, 1.2), Word("early", 3.0, 3.5)]
    assert [[word.text for word in cue] for cue in cues(words)] == [["Yes."], ["We", "open"], ["early"]]
    assert "2\n00:00:00,600 --> 00:00:01,200\nWe open\n" in srt(words)
