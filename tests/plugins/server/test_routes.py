"""The engine's routes over a real Unix socket, through the real client."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from plugins.client import EngineClient
from plugins.correlation import Door, door
from plugins.errors import (
    EngineBusy,
    EngineError,
    EngineUnavailable,
    InvalidRequest,
    ModelError,
    ModelMissing,
    Superseded,
)
from plugins.llama.model import Delta, Priority, Usage
from plugins.server.app import listening
from plugins.server.chat import Chunks
from plugins.server.slots import ModelSlot
from tests.plugins.server.conftest import Bench, build, settled, tool_call

HELLO = [{"role": "user", "content": "hello"}]


async def test_an_answer_streams_as_deltas_with_its_usage(bench: Bench) -> None:
    deltas = [delta async for delta in bench.client.chat(HELLO, call_id="call-1", grammar="root ::= [a-z]+")]
    assert "".join(delta.get("content", "") for delta in deltas) == "Hello there."
    assert deltas[-2] == {"finish_reason": "stop"}
    assert deltas[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 3}
    assert bench.llama.asked[0].call_id == "call-1"
    assert bench.llama.asked[0].grammar == "root ::= [a-z]+"


async def test_a_prompt_read_ahead_is_speculative_and_says_nothing(bench: Bench) -> None:
    await bench.client.read_ahead(HELLO, call_id="call-1")
    asked = bench.llama.asked[0]
    assert (asked.max_tokens, asked.priority, asked.call_id) == (0, Priority.SPECULATIVE, "call-1")


@pytest.mark.parametrize(
    ("through", "priority"),
    [("voice", Priority.FINAL), ("phone", Priority.FINAL), ("text", Priority.ANSWER), ("http", Priority.ANSWER)],
)
async def test_who_waits_in_silence_goes_before_those_who_read(bench: Bench, through: Door, priority: Priority) -> None:
    door.set(through)
    assert [delta async for delta in bench.client.chat(HELLO)]
    await bench.client.read_ahead(HELLO, call_id="call-1")
    assert [asked.priority for asked in bench.llama.asked] == [priority, Priority.SPECULATIVE]


async def test_reading_ahead_gives_way_to_the_question_itself(bench: Bench) -> None:
    bench.llama.answer = [Superseded("a newer request of the same call took this one's place")]
    await bench.client.read_ahead(HELLO, call_id="call-1")


async def test_tool_calls_pass_through(bench: Bench) -> None:
    bench.llama.answer = [Delta(tool_calls=(tool_call(),)), Delta(finish_reason="tool_calls", usage=Usage(1, 1, 0))]
    deltas = [delta async for delta in bench.client.chat(HELLO, tools=[{"type": "function"}])]
    assert deltas[0]["tool_calls"][0]["function"] == {"name": "transfer", "arguments": '{"to": "desk"}'}


def test_calls_that_come_one_after_another_are_numbered_through() -> None:
    chunks = Chunks("tiny.gguf")
    deltas = [chunks.tool_calls(calls)["choices"][0]["delta"] for calls in ([tool_call()] * 2, [tool_call()])]
    assert [call["index"] for delta in deltas for call in delta["tool_calls"]] == [0, 1, 2]


async def test_leaving_a_stream_early_cancels_the_model(bench: Bench) -> None:
    bench.llama.answer = [Delta(text="Hello ")]
    stream = bench.client.chat(HELLO)
    assert await anext(stream) == {"content": "Hello "}
    await stream.aclose()
    async with asyncio.timeout(5):
        while not bench.llama.streams[0].cancelled:
            await asyncio.sleep(0.01)


async def test_an_error_in_the_middle_of_an_answer_reaches_the_reader(bench: Bench) -> None:
    bench.llama.answer = [Delta(text="Hello "), EngineBusy("no slot")]
    with pytest.raises(EngineBusy, match="no slot"):
        async for _ in bench.client.chat(HELLO):
            pass


async def test_a_request_that_makes_no_sense_is_refused_by_field(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="temperature"):
        async for _ in bench.client.chat(HELLO, temperature=-1):
            pass


async def test_an_answer_can_be_had_whole(bench: Bench, tmp_path: Path) -> None:
    connector = aiohttp.UnixConnector(path=f"{tmp_path}/engine.sock")
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.post("http://engine/v1/chat/completions", json={"messages": HELLO}) as response,
    ):
        body = await response.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hello there."}
    assert body["usage"]["total_tokens"] == 9


async def test_speech_comes_in_pieces_with_word_times(bench: Bench) -> None:
    pieces = [piece async for piece in bench.client.speak("two words")]
    assert [piece.words[0].text for piece in pieces] == ["two", "words"]
    assert all(len(piece.pcm) == 3200 and piece.sample_rate_hz == 16_000 for piece in pieces)


async def test_a_question_may_be_as_long_as_a_message(bench: Bench) -> None:
    question = "what time is breakfast " * 2000
    assert (await bench.client.retrieve(question))["query"] == question


async def test_an_unknown_voice_is_named(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="'nobody'"):
        async for _ in bench.client.speak("hello", voice="nobody"):
            pass


async def test_queries_and_passages_are_embedded_apart(bench: Bench) -> None:
    assert await bench.client.embed(["a"], kind="query") == [[1.0, 0.0]]
    assert await bench.client.embed(["a", "b"]) == [[0.0, 1.0]] * 2


async def test_the_embedding_model_is_named_with_its_dimension(bench: Bench) -> None:
    assert await bench.client.embedding_model() == ("compass", 2)


async def test_retrieval_passes_the_documents_switch_on(bench: Bench) -> None:
    found = await bench.client.retrieve("when", documents=False)
    assert (found["query"], found["documents"]) == ("when", False)


@pytest.mark.parametrize(("tokens_a_second", "tokens"), [(1000.0, 1500), (10.0, 80)])
async def test_retrieval_says_how_much_of_it_is_read_in_time(bench: Bench, tokens_a_second: float, tokens: int) -> None:
    bench.llama.reading_rate = tokens_a_second
    assert (await bench.client.retrieve("when"))["prompt_tokens"] == tokens


async def test_retrieval_is_limited_to_the_documents_that_are_named(bench: Bench) -> None:
    found = await bench.client.retrieve("when", collection="menu", title="Drinks", source="bar.md")
    assert found["within"] == ["menu", "Drinks", "bar.md"]


async def _together(bench: Bench, *queries: str) -> list[Any]:
    """Questions that arrive while another is searched."""
    bench.knowledge.gate.clear()
    first = asyncio.create_task(bench.client.retrieve("first"))
    await asyncio.to_thread(bench.knowledge.entered.wait)
    rest = [asyncio.create_task(bench.client.retrieve(query)) for query in queries]
    while bench.engine.reading.waiting < len(queries):
        await asyncio.sleep(0.001)
    bench.knowledge.gate.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


async def test_questions_that_wait_are_searched_together(bench: Bench) -> None:
    found = await _together(bench, "a", "b", "c")
    assert bench.knowledge.batches == [["first"], ["a", "b", "c"]]
    assert [one["query"] for one in found] == ["a", "b", "c"]


async def test_a_question_that_cannot_be_searched_spoils_no_other(bench: Bench) -> None:
    a, broken, b = await _together(bench, "a", "broken", "b")
    assert (a["query"], b["query"]) == ("a", "b")
    assert isinstance(broken, EngineError)


async def test_a_question_that_cannot_be_searched_spoils_no_embedding(bench: Bench) -> None:
    bench.knowledge.gate.clear()
    first = asyncio.create_task(bench.client.retrieve("first"))
    await asyncio.to_thread(bench.knowledge.entered.wait)
    embedding = asyncio.create_task(bench.client.embed(["a"], kind="query"))
    broken = asyncio.create_task(bench.client.retrieve("broken"))
    while bench.engine.reading.waiting < 2:
        await asyncio.sleep(0.001)
    bench.knowledge.gate.set()
    await first
    assert await embedding == [[1.0, 0.0]]
    with pytest.raises(EngineError):
        await broken
    assert bench.knowledge.batches[1:] == [["broken"]]


async def test_a_call_that_is_over_is_released(bench: Bench) -> None:
    await bench.client.release_call("call-1")
    assert bench.llama.released == ["call-1"]


async def test_health_is_ready_when_every_model_is(bench: Bench) -> None:
    health = await bench.client.health()
    assert health["status"] == "ready"
    assert health["models"]["llama"] == {"state": "ready", "name": "tiny.gguf", "tier": "starter", "error": None}


async def test_a_broken_model_is_named_and_the_others_serve(tmp_path: Path) -> None:
    def load() -> None:
        raise ModelMissing("voice.onnx")

    made, url = Bench(), f"unix:{tmp_path}/engine.sock"
    engine = build(made, piper=ModelSlot(name="voice", tier="starter", load=load))
    async with listening(engine, url), EngineClient(url) as client:
        await settled(engine)
        health = await client.health()
        assert health["status"] == "degraded"
        assert "voice.onnx is missing" in health["models"]["piper"]["error"]
        with pytest.raises(ModelMissing, match=r"voice\.onnx"):
            async for _ in client.speak("hello"):
                pass
        assert [delta async for delta in client.chat(HELLO)]


async def test_an_unforeseen_error_while_loading_is_told_and_the_others_serve(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> None:
        raise PermissionError("config.json may not be read")

    made, url = Bench(), f"unix:{tmp_path}/engine.sock"
    engine = build(made, piper=ModelSlot(name="voice", tier="starter", load=load))
    async with listening(engine, url), EngineClient(url) as client:
        await settled(engine)
        models = (await client.health())["models"]
        assert models.pop("piper")["error"] == "voice cannot be loaded (PermissionError: config.json may not be read)"
        assert {model["state"] for model in models.values()} == {"ready"}
        with pytest.raises(ModelError, match="voice cannot be loaded"):
            async for _ in client.speak("hello"):
                pass
    assert any(record.exc_info and "voice" in record.message for record in caplog.records)


async def test_a_dead_engine_is_named(tmp_path: Path) -> None:
    async with EngineClient(f"unix:{tmp_path}/nobody.sock") as client:
        with pytest.raises(EngineUnavailable, match=r"nobody\.sock"):
            await client.health()


async def test_a_second_engine_does_not_steal_the_socket(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="another engine"):
        async with listening(build(Bench()), f"unix:{tmp_path}/engine.sock"):
            pass


async def test_a_socket_left_by_a_dead_engine_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "engine.sock").touch()
    async with (
        listening(build(Bench()), f"unix:{tmp_path}/engine.sock"),
        EngineClient(f"unix:{tmp_path}/engine.sock") as client,
    ):
        assert (await client.health())["models"]
