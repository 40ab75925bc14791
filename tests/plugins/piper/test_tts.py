"""Piper in LiveKit: clauses are asked for as they are written, delivered in order, and captioned by the word."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, tts
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString

from plugins.client import EngineClient, SpeechPiece, WordTime
from plugins.errors import EngineError, EngineUnavailable, InvalidRequest
from plugins.piper.tts import TTS

RATE_HZ = 16_000
WORD_S = 0.1
AT_ONCE = APIConnectOptions(max_retry=2, retry_interval=0.0)


class Engine(EngineClient):
    """Says each word in a tenth of a second, a piece for each, all samples the number of the clause."""

    def __init__(self, *, fails: list[EngineError] | None = None, fails_after: int = 0) -> None:
        super().__init__("unix:nowhere")
        self.asked: list[str] = []
        self.finished: list[str] = []
        self.cancelled: list[str] = []
        self.due_in_s: list[float] = []
        self.options: list[tuple[str | None, float]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._fails = fails or []
        self._fails_after = fails_after

    async def speak(
        self, text: str, *, voice: str | None = None, speed: float = 1.0, due_in_s: float = 0.0
    ) -> AsyncGenerator[SpeechPiece]:
        self.asked.append(text)
        self.due_in_s.append(due_in_s)
        self.options.append((voice, speed))
        number = len(self.asked)
        try:
            for index, word in enumerate(text.split()):
                await self.gate.wait()
                if self._fails and index >= self._fails_after:
                    raise self._fails.pop(0)
                if any(character.isalnum() for character in word):
                    pcm = number.to_bytes(2, "little") * round(WORD_S * RATE_HZ)
                    yield SpeechPiece(pcm, RATE_HZ, (WordTime(word, 0.0, WORD_S),))
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled.append(text)
            raise
        self.finished.append(text)


async def speak(engine: Engine, *deltas: str) -> list[tts.SynthesizedAudio]:
    async with TTS(engine).stream(conn_options=AT_ONCE) as stream:
        for delta in deltas:
            stream.push_text(delta)
        stream.end_input()
        return [audio async for audio in stream]


def captions(audio: list[tts.SynthesizedAudio]) -> list[TimedString]:
    return [caption for item in audio for caption in item.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])]


def pcm(audio: list[tts.SynthesizedAudio]) -> bytes:
    """All samples but the 10 ms of silence with which LiveKit marks the end."""
    spoken = audio[:-1] if audio and not any(bytes(audio[-1].frame.data)) else audio
    return b"".join(bytes(item.frame.data) for item in spoken)


async def settle() -> None:
    """Let every task go on until all wait for something from outside."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_clauses_are_asked_for_as_they_are_written() -> None:
    engine = Engine()
    async with TTS(engine).stream() as stream:
        stream.push_text("Sure. The museum")
        await settle()
        assert engine.asked == ["Sure."]
        stream.push_text(" opens at six. Bye")
        await settle()
        assert engine.asked == ["Sure.", " The museum opens at six."]
        stream.end_input()
        audio = [item async for item in stream]
    assert engine.asked[-1] == " Bye"
    assert audio[-1].is_final


async def test_a_whole_answer_at_once_is_cut_with_all_of_it_in_view() -> None:
    engine = Engine()
    words = "Our house on the lake has twenty four quiet rooms and two suites."
    await speak(engine, *[f" {word}" for word in words.split()])
    assert engine.asked[0].split()[-1] != "and"
    assert "".join(engine.asked).strip() == words


async def test_audio_comes_in_the_order_of_the_text() -> None:
    engine = Engine()
    audio = await speak(engine, "One two. Three four five. Six.")
    heard = pcm(audio)
    word_bytes = 2 * round(WORD_S * RATE_HZ)
    assert heard == b"".join(
        number.to_bytes(2, "little") * (words * word_bytes // 2) for number, words in ((1, 2), (2, 3), (3, 1))
    )


async def test_a_clause_is_asked_for_when_the_one_before_has_come() -> None:
    engine = Engine()
    engine.gate.clear()
    async with TTS(engine).stream() as stream:
        stream.push_text("One two. Three four. Five six. Seven eight. ")
        await settle()
        assert engine.asked == ["One two."]
        engine.gate.set()
        stream.end_input()
        assert [item async for item in stream]
    assert len(engine.asked) == 4


async def test_the_engine_learns_how_long_the_speech_so_far_will_last() -> None:
    engine = Engine()
    await speak(engine, "One two. Three four five. Six.")
    first, second, third = engine.due_in_s
    assert first == 0
    assert 0 < second <= 2 * WORD_S
    assert second < third <= 5 * WORD_S


async def test_captions_are_the_text_with_growing_times() -> None:
    text = "The pool is warm, and 😀 free. Come in! "
    found = captions(await speak(Engine(), text))
    assert "".join(found) == text.rstrip()
    timed = [caption for caption in found if isinstance(caption.end_time, float)]
    assert [str(caption) for caption in timed] == [
        "The",
        " pool",
        " is",
        " warm,",
        " and",
        " 😀 free.",
        " Come",
        " in!",
    ]
    starts = [float(caption.start_time) for caption in timed]
    assert starts == pytest.approx([index * WORD_S for index in range(len(timed))])


async def test_frames_carry_the_rate_of_the_voice() -> None:
    voice = TTS(Engine(), sample_rate=22_050)
    async with voice.stream() as stream:
        stream.push_text("Hello there.")
        stream.end_input()
        rates = {item.frame.sample_rate async for item in stream}
    assert rates == {RATE_HZ}
    assert voice.sample_rate == RATE_HZ


@pytest.mark.parametrize("text", ["😀", "...", " \n"])
async def test_text_that_says_nothing_is_no_error(text: str) -> None:
    audio = await speak(Engine(), text)
    assert set(pcm(audio)) <= {0}


async def test_no_text_is_no_error() -> None:
    assert set(pcm(await speak(Engine()))) <= {0}


async def test_closing_stops_what_is_being_made() -> None:
    engine = Engine()
    engine.gate.clear()
    stream = TTS(engine).stream()
    stream.push_text("One two three. Four five six. ")
    await settle()
    await stream.aclose()
    assert engine.cancelled == ["One two three."]
    assert engine.finished == []


async def test_an_engine_that_is_away_is_asked_again() -> None:
    engine = Engine(fails=[EngineUnavailable("gone")])
    audio = await speak(engine, "Hello there. ", "How are you?")
    assert len(pcm(audio)) == 2 * 5 * round(WORD_S * RATE_HZ)
    assert engine.asked.count("Hello there.") == 2


async def test_an_engine_that_stays_away_is_a_connection_error() -> None:
    engine = Engine(fails=[EngineUnavailable("gone")] * 9)
    with pytest.raises(APIConnectionError):
        await speak(engine, "Hello there.")


async def test_a_refused_request_is_not_repeated() -> None:
    engine = Engine(fails=[InvalidRequest("no such voice")])
    with pytest.raises(APIStatusError) as raised:
        await speak(engine, "Hello there.")
    assert raised.value.status_code == 400
    assert engine.asked == ["Hello there."]


async def test_a_failure_in_the_middle_of_speech_is_an_error() -> None:
    engine = Engine(fails=[EngineUnavailable("gone")] * 9, fails_after=3)
    with pytest.raises(APIError):
        await speak(engine, "One two three four five six.")


async def test_a_flush_speaks_what_is_written_so_far() -> None:
    engine = Engine()
    async with TTS(engine).stream() as stream:
        stream.push_text("no end in sight")
        stream.flush()
        await settle()
        assert engine.asked == ["no end in sight"]


async def test_a_whole_text_is_spoken_by_clauses() -> None:
    engine = Engine()
    async with TTS(engine, voice="amy", speed=1.5).synthesize("One two, three four. Five.") as stream:
        audio = [item async for item in stream]
    assert engine.asked == ["One two,", " three four.", " Five."]
    assert set(engine.options) == {("amy", 1.5)}
    assert len(pcm(audio)) == 2 * 5 * round(WORD_S * RATE_HZ)
    assert "".join(captions(audio)) == "One two, three four. Five."


async def test_a_whole_text_fails_with_livekits_errors() -> None:
    with pytest.raises(APIStatusError):
        await TTS(Engine(fails=[InvalidRequest("no")])).synthesize("One two.", conn_options=AT_ONCE).collect()


async def test_an_address_is_enough() -> None:
    voice = TTS("unix:run/engine.sock")
    assert voice.capabilities.streaming and voice.capabilities.aligned_transcript
    assert (voice.model, voice.provider, voice.num_channels) == ("piper", "landline", 1)
    await voice.aclose()
