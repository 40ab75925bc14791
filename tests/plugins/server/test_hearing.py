"""The transcription socket: interim, preflight and final transcripts of many utterances."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import pytest
from aiohttp import ClientConnectionResetError
from prometheus_client import REGISTRY

from plugins.errors import InvalidRequest
from plugins.server.hearing import OpenUtterance, _say
from tests.plugins.server.conftest import Bench

Event = dict[str, Any]
Events = AsyncIterator[Event]

SECOND = b"\x01\x00" * 16_000


async def test_a_final_holds_everything_that_was_sent(bench: Bench) -> None:
    async with bench.client.transcription("en") as socket:
        events = aiter(socket)
        await socket.start()
        await socket.send(SECOND * 2)
        await socket.end()
        final = await final_of(events)
    assert (final["text"], final["utterance"], final["audio_s"]) == ("word0 word1", 1, 2.0)
    assert final["decode_ms"] > 0


async def test_words_that_two_decodes_agree_on_are_the_interim(bench: Bench) -> None:
    async with bench.client.transcription() as socket:
        events = aiter(socket)
        await socket.start()
        await socket.send(SECOND)
        await decoded(bench, 1)
        await socket.send(SECOND)
        event = await anext(events)
    assert (event["type"], event["text"]) == ("interim", "word0")


async def test_an_interim_that_had_to_wait_holds_the_newest_audio(bench: Bench) -> None:
    await occupied(bench)
    waiting = utterance(bench, seconds=1)
    await asyncio.sleep(0)
    waiting.add(SECOND * 2)
    bench.whisper.gate.set()
    await decoded(bench, 2)
    assert bench.whisper.decoded_s == [1.0, 3.0]


async def test_an_interim_that_still_waits_is_dropped_when_the_final_is_wanted(bench: Bench) -> None:
    await occupied(bench)
    asked = utterance(bench, seconds=2)
    final = asyncio.create_task(asked.announce("final"))
    await asyncio.sleep(0)
    bench.whisper.gate.set()
    await final
    assert bench.whisper.decoded_s == [1.0, 2.0]


async def test_a_final_is_decoded_before_interims_that_waited_longer(bench: Bench) -> None:
    await occupied(bench)
    utterance(bench, seconds=2)
    await asyncio.sleep(0)
    final = asyncio.create_task(utterance(bench, seconds=3).announce("final"))
    while bench.engine.hearing.waiting < 2:
        await asyncio.sleep(0)
    bench.whisper.gate.set()
    await final
    await decoded(bench, 3)
    assert bench.whisper.decoded_s == [1.0, 3.0, 2.0]


async def test_a_final_after_a_preflight_is_not_decoded_again(bench: Bench) -> None:
    async with bench.client.transcription() as socket:
        events = aiter(socket)
        await socket.start()
        await socket.send(SECOND)
        await socket.preflight()
        assert (await kind_of(events, "preflight"))["text"] == "word0"
        before = len(bench.whisper.decoded_s)
        await socket.send(SECOND)
        await socket.end()
        assert (await final_of(events))["text"] == "word0"
    assert len(bench.whisper.decoded_s) == before


async def test_speech_that_goes_on_after_a_preflight_is_decoded_whole(bench: Bench) -> None:
    async with bench.client.transcription() as socket:
        events = aiter(socket)
        await socket.start()
        await socket.send(SECOND)
        await socket.preflight()
        await kind_of(events, "preflight")
        await socket.resume()
        await socket.send(SECOND)
        await socket.end()
        assert (await final_of(events))["text"] == "word0 word1"


async def test_the_next_utterance_may_begin_before_the_last_final(bench: Bench) -> None:
    bench.whisper.gate.clear()
    async with bench.client.transcription() as socket:
        events = aiter(socket)
        for seconds in (1, 3):
            await socket.start()
            await socket.send(SECOND * seconds)
            await socket.end()
        bench.whisper.gate.set()
        texts = {(await final_of(events))["text"] for _ in range(2)}
    assert texts == {"word0", "word0 word1 word2"}


async def test_a_cancelled_utterance_gives_nothing(bench: Bench) -> None:
    async with bench.client.transcription() as socket:
        events = aiter(socket)
        await socket.start()
        await socket.send(SECOND)
        await socket.cancel()
        await socket.start()
        await socket.send(SECOND * 2)
        await socket.end()
        assert (await final_of(events))["utterance"] == 2


async def test_a_language_that_whisper_does_not_know_spoils_no_others_batch(bench: Bench) -> None:
    await occupied(bench)
    others = [asyncio.create_task(utterance(bench, seconds=2).announce("final"))]
    others.append(asyncio.create_task(bench.client.transcribe(SECOND)))
    async with asyncio.timeout(5):
        with pytest.raises(InvalidRequest, match="tlh"):
            await bench.client.transcribe(SECOND, language="tlh")
    async with bench.client.transcription("tlh") as socket:
        await socket.start()
        await socket.send(SECOND)
        await socket.end()
        with pytest.raises(InvalidRequest, match="tlh"):
            await final_of(aiter(socket))
    while bench.engine.hearing.waiting < 2:
        await asyncio.sleep(0)
    bench.whisper.gate.set()
    await asyncio.gather(*others)


async def test_an_endless_utterance_is_refused_and_the_socket_lives(bench: Bench) -> None:
    async with bench.client.transcription() as socket:
        await socket.start()
        for _ in range(13):
            await socket.send(SECOND * 10)
        with pytest.raises(InvalidRequest, match="120 s"):
            async for _ in socket:
                pass


async def test_nothing_is_decoded_for_a_caller_who_has_gone(bench: Bench) -> None:
    await occupied(bench)
    before = failures()
    async with bench.client.transcription() as socket:
        await socket.start()
        await socket.send(SECOND * 2)
        await socket.preflight()
        await socket.end()
        async with asyncio.timeout(5):
            while not bench.engine.hearing.waiting:
                await asyncio.sleep(0.001)
    async with asyncio.timeout(5):
        while bench.engine.hearing.waiting or bench.engine.calls:
            await asyncio.sleep(0.001)
    bench.whisper.gate.set()
    await bench.client.transcribe(SECOND * 3)
    assert bench.whisper.decoded_s == [1.0, 3.0]
    assert failures() == before


async def test_who_goes_while_a_transcript_is_sent_is_no_error(bench: Bench) -> None:
    class Closed:
        async def send_json(self, event: Event) -> None:
            raise ClientConnectionResetError("Cannot write to closing transport")

    opened = OpenUtterance(bench.engine, number=1, language=None, send=partial(_say, cast(Any, Closed())))
    opened.add(SECOND)
    await decoded(bench, 1)
    await opened.announce("final")


def failures() -> float:
    return REGISTRY.get_sample_value("engine_errors_total", {"kind": "internal"}) or 0.0


async def test_an_utterance_is_counted_once_although_it_was_asked_for_twice(bench: Bench) -> None:
    counts = ("stt_transcription_requests_total", "stt_transcription_duration_seconds_count",
              "stt_audio_duration_seconds_count")  # fmt: skip
    before = [REGISTRY.get_sample_value(name) or 0.0 for name in counts]
    opened = utterance(bench, seconds=1)
    await opened.announce("preflight")
    await opened.announce("final")
    assert [REGISTRY.get_sample_value(name) for name in counts] == [count + 1 for count in before]


async def unheard(event: Event) -> None:
    """Where transcripts go that a test does not look at."""


def utterance(bench: Bench, *, seconds: int) -> OpenUtterance:
    """Somebody's speech so far, of which an interim is being asked for."""
    opened = OpenUtterance(bench.engine, number=1, language=None, send=unheard)
    opened.add(SECOND * seconds)
    return opened


async def occupied(bench: Bench) -> None:
    """Let a call's speech of one second keep Whisper busy until its gate opens."""
    bench.whisper.gate.clear()
    utterance(bench, seconds=1)
    while not bench.whisper.entered.is_set():
        await asyncio.sleep(0)


async def decoded(bench: Bench, count: int) -> None:
    """Until the model has run `count` times."""
    async with asyncio.timeout(5):
        while len(bench.whisper.decoded_s) < count:
            await asyncio.sleep(0.01)


async def kind_of(events, kind: str) -> dict:
    async with asyncio.timeout(5):
        while True:
            event = await anext(events)
            if event["type"] == kind:
                return event


async def final_of(events) -> dict:
    return await kind_of(events, "final")
