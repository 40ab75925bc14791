"""Whisper in LiveKit: what reaches the engine, which events come out, and what happens when the engine goes away."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, stt, vad
from livekit.plugins import silero

from plugins.client import EngineClient
from plugins.errors import EngineError, EngineUnavailable, ModelError
from plugins.whisper import stt as adapter
from plugins.whisper.stt import STT
from tests.plugins.whisper.speech import RATE_HZ, quiet, say

QUESTION = "What time is breakfast on Sunday?"
ANSWER = "Thank you very much."
AT_ONCE = APIConnectOptions(max_retry=3, retry_interval=0.0)
Event = dict[str, Any]
Kind = stt.SpeechEventType


class Socket:
    """The engine's side of one connection: hears commands, answers each preflight and end with the next text."""

    def __init__(self, texts: Iterator[str], *, dies_after: int | None, interim: str) -> None:
        self.commands: list[str] = []
        self.pcm: list[bytes] = []
        self._texts = texts
        self._dies_after = dies_after
        self._interim = interim
        self._text = ""
        self._number = 0
        self._answers: asyncio.Queue[Event | EngineError] = asyncio.Queue()

    async def start(self) -> None:
        self._note("start")
        self._text = next(self._texts)
        self._number += 1
        self.pcm.append(b"")

    async def send(self, pcm: bytes) -> None:
        self.pcm[-1] += pcm
        if self._interim:
            self._answer("interim", self._interim)
            self._interim = ""
        if self._dies_after is not None and len(self.pcm[-1]) > self._dies_after:
            self._dies_after = None
            self._answers.put_nowait(EngineUnavailable("killed"))

    async def preflight(self) -> None:
        self._note("preflight")
        self._answer("preflight", self._text)

    async def resume(self) -> None:
        self._note("resume")

    async def end(self) -> None:
        self._note("end")
        self._answer("final", self._text)

    def fail(self, error: EngineError) -> None:
        self._answers.put_nowait(error)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            answer = await self._answers.get()
            if isinstance(answer, EngineError):
                raise answer
            yield answer

    def _note(self, command: str) -> None:
        self.commands.append(command)

    def _answer(self, kind: str, text: str) -> None:
        words = [{"text": word, "start_s": float(i), "end_s": i + 0.5} for i, word in enumerate(text.split())]
        self._answers.put_nowait(
            {
                "type": kind,
                "utterance": self._number,
                "text": text,
                "words": words,
                "language": "en",
                "confidence": 0.9,
                "is_speech": bool(text),
                "audio_s": len(self.pcm[-1]) / 2 / RATE_HZ,
                "decode_ms": 42.0,
            }
        )


class Engine(EngineClient):
    """Sockets on request; the first `refusals` times nobody answers."""

    def __init__(
        self,
        *texts: str,
        refusals: int = 0,
        dies_after: int | None = None,
        interim: str = "",
        fails: EngineError | None = None,
    ) -> None:
        super().__init__("unix:nowhere")
        self.sockets: list[Socket] = []
        self.languages: list[str | None] = []
        self._texts = texts
        self._refusals = refusals
        self._dies_after = dies_after
        self._interim = interim
        self._fails = fails

    @asynccontextmanager
    async def transcription(self, language: str | None = None) -> AsyncGenerator[Any]:
        self.languages.append(language)
        if self._refusals:
            self._refusals -= 1
            raise EngineUnavailable("nobody there")
        socket = Socket(iter(self._texts), dies_after=self._dies_after, interim=self._interim)
        self._dies_after = None
        if self._fails:
            socket.fail(self._fails)
        self.sockets.append(socket)
        yield socket


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "ASK_AGAIN_S", 0.0)


def frames(pcm: bytes, *, rate_hz: int = RATE_HZ) -> Iterator[rtc.AudioFrame]:
    """Frames of 20 ms, as a room gives them."""
    size = rate_hz // 50
    for start in range(0, len(pcm) // 2 - size + 1, size):
        yield rtc.AudioFrame(pcm[2 * start : 2 * (start + size)], rate_hz, 1, size)


async def transcribe(
    engine: Engine,
    *audio: bytes,
    detector: vad.VAD | None = None,
    errors: list[stt.STTError] | None = None,
    on_decoded: Callable[[float], None] | None = None,
) -> list[stt.SpeechEvent]:
    """All events for some audio, which is heard as fast as it can be."""
    whisper = STT(engine, vad=detector, on_decoded=on_decoded)
    whisper.on("error", (errors if errors is not None else []).append)
    async with whisper.stream(conn_options=AT_ONCE) as stream:
        for piece in audio:
            for frame in frames(piece):
                stream.push_frame(frame)
        stream.end_input()
        return [event async for event in stream]


def kinds(events: list[stt.SpeechEvent]) -> list[Kind]:
    return [event.type for event in events]


def texts(events: list[stt.SpeechEvent], kind: Kind) -> list[str]:
    return [event.alternatives[0].text for event in events if event.type is kind]


async def test_a_sentence_becomes_a_preflight_and_a_final_transcript() -> None:
    engine = Engine("what time is breakfast")
    events = await transcribe(engine, quiet(0.5), say(QUESTION), quiet(1.0))
    assert kinds(events)[0] is Kind.START_OF_SPEECH
    assert kinds(events)[-4:] == [
        Kind.PREFLIGHT_TRANSCRIPT,
        Kind.END_OF_SPEECH,
        Kind.FINAL_TRANSCRIPT,
        Kind.RECOGNITION_USAGE,
    ]
    assert texts(events, Kind.FINAL_TRANSCRIPT) == ["what time is breakfast"]
    assert texts(events, Kind.PREFLIGHT_TRANSCRIPT)[-1] == "what time is breakfast"


async def test_whoever_asks_is_told_how_long_each_transcript_took() -> None:
    decoded_ms: list[float] = []
    engine = Engine("one", "two")
    await transcribe(engine, say(QUESTION), quiet(1.0), say(QUESTION), quiet(1.0), on_decoded=decoded_ms.append)
    assert decoded_ms == [42.0, 42.0]


async def test_silence_never_reaches_the_engine() -> None:
    engine = Engine()
    events = await transcribe(engine, quiet(5.0))
    assert events == []
    assert all(not socket.commands for socket in engine.sockets)


async def test_only_speech_and_a_little_around_it_reaches_the_engine() -> None:
    engine = Engine("hello")
    spoken = say(QUESTION)
    await transcribe(engine, quiet(3.0), spoken, quiet(3.0))
    sent_s = len(engine.sockets[0].pcm[0]) / 2 / RATE_HZ
    spoken_s = len(spoken) / 2 / RATE_HZ
    assert spoken_s < sent_s < spoken_s + 0.9
    assert spoken[4000:-4000] in engine.sockets[0].pcm[0]


async def test_the_beginning_of_the_first_word_is_not_lost() -> None:
    engine = Engine("hello")
    spoken = say(QUESTION)
    await transcribe(engine, quiet(1.0), spoken, quiet(1.0))
    assert engine.sockets[0].pcm[0].find(spoken[:3200]) > 0


async def test_each_utterance_has_its_transcript() -> None:
    engine = Engine("first", "second")
    events = await transcribe(engine, say(QUESTION), quiet(1.0), say(ANSWER), quiet(1.0))
    assert texts(events, Kind.FINAL_TRANSCRIPT) == ["first", "second"]
    assert kinds(events).count(Kind.START_OF_SPEECH) == kinds(events).count(Kind.END_OF_SPEECH) == 2


async def test_what_is_no_speech_gives_no_transcript() -> None:
    events = await transcribe(Engine(""), say(QUESTION), quiet(1.0))
    assert kinds(events) == [Kind.START_OF_SPEECH, Kind.END_OF_SPEECH, Kind.RECOGNITION_USAGE]


async def test_interim_text_of_what_was_no_speech_is_taken_back() -> None:
    events = await transcribe(Engine("", interim="thank you"), say(QUESTION), quiet(1.0))
    assert texts(events, Kind.INTERIM_TRANSCRIPT) == ["thank you", ""]
    assert texts(events, Kind.FINAL_TRANSCRIPT) == []


async def test_interim_transcripts_are_passed_on() -> None:
    events = await transcribe(Engine("what time", interim="what"), say(QUESTION), quiet(1.0))
    assert texts(events, Kind.INTERIM_TRANSCRIPT)[0] == "what"


async def test_speech_that_is_cut_off_by_the_end_of_the_audio_is_transcribed() -> None:
    events = await transcribe(Engine("what time"), say(QUESTION))
    assert texts(events, Kind.FINAL_TRANSCRIPT) == ["what time"]
    assert kinds(events)[-3:] == [Kind.END_OF_SPEECH, Kind.FINAL_TRANSCRIPT, Kind.RECOGNITION_USAGE]


async def test_times_count_from_the_start_of_the_stream() -> None:
    events = await transcribe(Engine("what time"), quiet(2.0), say(QUESTION), quiet(1.0))
    (final,) = [event.alternatives[0] for event in events if event.type is Kind.FINAL_TRANSCRIPT]
    assert final.words is not None
    assert [str(word) for word in final.words] == ["what", "time"]
    assert 1.5 < final.start_time < 2.0
    assert final.end_time == pytest.approx(final.start_time + 1.5)


async def test_usage_is_the_audio_of_the_utterance() -> None:
    events = await transcribe(Engine("what time"), say(QUESTION), quiet(1.0))
    usage = events[-1].recognition_usage
    assert usage is not None
    assert 1.5 < usage.audio_duration < 3.5


async def test_another_detector_may_decide_what_is_speech() -> None:
    engine = Engine("what time is breakfast")
    detector = silero.VAD.load(min_silence_duration=0.25)
    events = await transcribe(engine, quiet(0.5), say(QUESTION), quiet(1.5), detector=detector)
    assert texts(events, Kind.FINAL_TRANSCRIPT) == ["what time is breakfast"]


async def test_audio_of_another_rate_is_resampled() -> None:
    engine = Engine("what time is breakfast")
    async with STT(engine).stream(conn_options=AT_ONCE) as stream:
        for frame in frames(quiet(0.5) + say(QUESTION) + quiet(1.0)):
            doubled = rtc.AudioFrame(bytes(frame.data) * 3, 48_000, 1, 3 * frame.samples_per_channel)
            stream.push_frame(doubled)
        stream.end_input()
        assert [event.type async for event in stream]


async def test_a_flush_ends_the_utterance() -> None:
    engine = Engine("first", "second")
    async with STT(engine).stream(conn_options=AT_ONCE) as stream:
        for frame in frames(say(QUESTION)):
            stream.push_frame(frame)
        stream.flush()
        async for event in stream:
            if event.type is Kind.FINAL_TRANSCRIPT:
                assert event.alternatives[0].text == "first"
                break


async def test_an_engine_that_dies_during_speech_loses_nothing() -> None:
    engine = Engine("what time is breakfast", dies_after=RATE_HZ)
    errors: list[stt.STTError] = []
    events = await transcribe(engine, quiet(0.5), say(QUESTION), quiet(1.0), errors=errors)
    assert texts(events, Kind.FINAL_TRANSCRIPT) == ["what time is breakfast"]
    assert kinds(events).count(Kind.START_OF_SPEECH) == 1
    before, after = engine.sockets
    assert after.pcm[0].startswith(before.pcm[0])
    assert [error.recoverable for error in errors] == [True]
    assert isinstance(errors[0].error, APIConnectionError)


async def test_an_engine_that_is_away_at_first_is_waited_for() -> None:
    engine = Engine("what time is breakfast", refusals=5)
    errors: list[stt.STTError] = []
    events = await transcribe(engine, say(QUESTION), quiet(1.0), errors=errors)
    assert texts(events, Kind.FINAL_TRANSCRIPT) == ["what time is breakfast"]
    assert errors == []


async def test_an_engine_that_stays_away_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "PATIENCE_S", -100.0)
    errors: list[stt.STTError] = []
    with pytest.raises(APIConnectionError):
        await transcribe(Engine(refusals=100), say(QUESTION), errors=errors)
    assert [error.recoverable for error in errors] == [True, True, True, False]


async def test_a_model_that_cannot_run_is_not_tried_again() -> None:
    engine = Engine("x", fails=ModelError("broken"))
    with pytest.raises(APIStatusError) as raised:
        await transcribe(engine, say(QUESTION), quiet(1.0))
    assert not raised.value.retryable
    assert len(engine.sockets) == 1


async def test_a_recording_is_recognized_as_a_whole() -> None:
    engine = Engine("what time is breakfast")
    event = await STT(engine).recognize(list(frames(say(QUESTION))))
    assert event.alternatives[0].text == "what time is breakfast"
    assert engine.sockets[0].commands == ["start", "end"]


async def test_the_language_is_the_streams_or_the_objects_own() -> None:
    engine = Engine("x", "y")
    for language in ("de", None):
        async with STT(engine, language="fr").stream(language=language or "fr") as stream:
            stream.end_input()
            assert [event async for event in stream] == []
    assert engine.languages == ["de", "fr"]


async def test_closing_in_the_middle_of_speech_ends_everything() -> None:
    engine = Engine("x")
    before = asyncio.all_tasks()
    stream = STT(engine).stream(conn_options=AT_ONCE)
    for frame in frames(say(QUESTION)):
        stream.push_frame(frame)
    async for event in stream:
        assert event.type is Kind.START_OF_SPEECH
        break
    await stream.aclose()
    assert asyncio.all_tasks() <= before


async def test_an_address_is_enough() -> None:
    whisper = STT("unix:run/engine.sock")
    assert whisper.capabilities.streaming and whisper.capabilities.interim_results
    assert (whisper.model, whisper.provider) == ("whisper", "landline")
    await whisper.aclose()
