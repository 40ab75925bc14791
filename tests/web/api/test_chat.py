"""POST /v1/chat/completions, /chat and /generate."""

import asyncio
import io
import json
from typing import Any

import pytest

from tests.web.api.conftest import Client, FakeAgent, events
from web.api import events as sent
from web.api.backend import Piece
from web.api.errors import ApiError

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello?"}]}


def data(lines: list[str]) -> list[Any]:
    """The JSON of an event stream that ends as it should."""
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1] if line.startswith("data: ")]


async def test_an_answer_comes_whole_with_its_sources(door: Client) -> None:
    answer = await (await door.post("/v1/chat/completions", json=HELLO | {"model": "any"})).json()
    assert answer["object"] == "chat.completion" and answer["model"] == "any"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Hello there."}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] == 5
    assert answer["sources"][0]["title"] == "Breakfast" and answer["conversation"] == "conv-1"


async def test_an_answer_streams_and_its_last_chunk_has_the_sources(door: Client) -> None:
    asked = HELLO | {"stream": True, "stream_options": {"include_usage": True}}
    response = await door.post("/v1/chat/completions", json=asked)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    *text, end, usage = data(await events(response))
    deltas = [chunk["choices"][0]["delta"] for chunk in text]
    assert deltas == [{"role": "assistant", "content": "Hello "}, {"content": "there."}]
    assert end["choices"][0]["finish_reason"] == "stop" and end["sources"][0]["place"] == "breakfast.md"
    assert usage["choices"] == [] and usage["usage"]["prompt_tokens"] == 3


async def test_tool_calls_are_numbered_through_a_stream(door: Client, agent: FakeAgent) -> None:
    one, two, three = (
        {"id": f"call-{name}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for name in ("look", "book", "call")
    )
    agent.pieces = [Piece(tool_calls=[one, two]), Piece(tool_calls=[three]), Piece(finish_reason="tool_calls")]
    whole = await (await door.post("/v1/chat/completions", json=HELLO)).json()
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": None, "tool_calls": [one, two, three]}
    streamed = data(await events(await door.post("/v1/chat/completions", json=HELLO | {"stream": True})))
    deltas = [chunk["choices"][0]["delta"]["tool_calls"] for chunk in streamed[:2]]
    assert deltas == [[{"index": 0} | one, {"index": 1} | two], [{"index": 2} | three]]


async def test_fields_that_the_model_honours_reach_it(door: Client, agent: FakeAgent) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    shape = {"tools": [tool], "tool_choice": "auto", "response_format": schema}
    asked = HELLO | shape | {"max_tokens": 5, "temperature": 0.5, "seed": -1, "stop": ["x"], "top_p": 0.5}
    await door.post("/v1/chat/completions", json=asked)
    sampling = {"max_tokens": 5, "temperature": 0.5, "seed": 2**32 - 1, "stop": ["x"], "top_p": 0.5}
    assert agent.asked[0].options == shape | sampling


@pytest.mark.parametrize("stop", ["\n\nThe next question:", ["."] * 16])
async def test_one_stop_may_be_as_long_as_it_likes_and_a_list_have_sixteen(
    door: Client, agent: FakeAgent, stop: object
) -> None:
    assert (await door.post("/v1/chat/completions", json=HELLO | {"stop": stop})).status == 200
    assert agent.asked[0].options == {"stop": stop}


@pytest.mark.parametrize(
    ("documents", "wanted"),
    [
        (None, (None, None, "", "")),
        (True, (True, None, "", "")),
        (False, (False, None, "", "")),
        ({}, (True, None, "", "")),
        ({"collection": "menu"}, (True, "menu", "", "")),
        ({"title": "Drinks", "source": "bar.md"}, (True, None, "Drinks", "bar.md")),
    ],
)
async def test_documents_are_used_as_the_request_says(
    door: Client, agent: FakeAgent, documents: object, wanted: tuple[object, ...]
) -> None:
    await door.post("/v1/chat/completions", json=HELLO | {"documents": documents})
    (asked,) = agent.asked
    assert (asked.documents, asked.collection, asked.title, asked.source) == wanted


async def test_a_plain_question_may_name_its_documents_too(door: Client, agent: FakeAgent) -> None:
    named = {"collection": "menu", "title": "Drinks", "source": "bar.md"}
    await door.post("/chat", json={"message": "what is there to drink"} | named)
    (asked,) = agent.asked
    assert {"collection": asked.collection, "title": asked.title, "source": asked.source} == named


async def test_the_choice_of_documents_is_published(door: Client) -> None:
    schemas = (await (await door.get("/openapi.json")).json())["components"]["schemas"]
    assert {"collection", "title", "source"} == set(schemas["Documents"]["properties"])
    assert {"collection", "title", "source"} <= set(schemas["ChatLine"]["properties"])


async def test_parts_of_text_become_one_text_and_developers_are_the_system(door: Client, agent: FakeAgent) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "developer", "content": "be kind"}, {"role": "user", "content": parts}]
    await door.post("/v1/chat/completions", json={"messages": messages})
    assert agent.asked[0].messages == [{"role": "system", "content": "be kind"}, {"role": "user", "content": "a\nb"}]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        ({"n": 2}, "n"),
        ({"stop": ""}, "stop"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"tool_choice": "required"}, None),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"documents": {"colection": "menu"}}, "documents.colection"),
        ({"documents": {"title": "x" * 501}}, "documents.title"),
        ({"tool_choice": {"type": "function", "function": {"name": "gone"}}}, None),
    ],
)
async def test_what_is_wrong_is_named_in_openais_shape(door: Client, change: Any, param: str | None) -> None:
    response = await door.post("/v1/chat/completions", json=HELLO | change)
    error = (await response.json())["error"]
    assert response.status == 400
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


async def test_a_body_that_is_no_json_is_refused(door: Client) -> None:
    assert (await door.post("/v1/chat/completions", data=b"{")).status == 400
    assert (await door.post("/v1/chat/completions", data=b"\xff\xfe")).status == 400


async def test_a_body_that_is_too_large_is_refused(door: Client) -> None:
    response = await door.post("/v1/chat/completions", data=io.BytesIO(b" " * 2_000_000))
    assert (response.status, (await response.json())["error"]["code"]) == (413, "request_entity_too_large")


async def test_unknown_paths_and_methods_are_refused_in_the_same_shape(door: Client) -> None:
    for response in (await door.get("/v1/nowhere"), await door.get("/v1/chat/completions"), await door.get("/chat")):
        assert response.status in (404, 405)
        assert response.headers.get("Allow") == ("POST" if response.status == 405 else None)
        assert set((await response.json())["error"]) == {"message", "type", "param", "code"}


async def test_trouble_before_the_first_word_has_a_status(door: Client, agent: FakeAgent) -> None:
    agent.pieces = [ApiError("still loading", status=503, code="engine_busy", retry_after_s=1)]
    for stream in (True, False):
        response = await door.post("/v1/chat/completions", json=HELLO | {"stream": stream})
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert (await response.json())["error"]["type"] == "server_error"


async def test_trouble_in_the_middle_ends_the_stream_with_an_event(door: Client, agent: FakeAgent) -> None:
    agent.pieces = [Piece(text="Hello "), ApiError("gone", status=503, code="engine_unavailable")]
    response = await door.post("/v1/chat/completions", json=HELLO | {"stream": True})
    assert data(await events(response))[-1]["error"]["code"] == "engine_unavailable"


async def test_a_reader_who_leaves_ends_the_work(door: Client, agent: FakeAgent) -> None:
    agent.gate.clear()
    response = await door.post("/v1/chat/completions", json=HELLO | {"stream": True})
    await response.content.readline()
    response.close()
    async with asyncio.timeout(5):
        await agent.left.wait()


async def test_comments_keep_a_silent_stream_awake(
    door: Client, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent, "HEARTBEAT_S", 0.01)
    agent.gate.clear()
    response = await door.post("/v1/chat/completions", json=HELLO | {"stream": True})
    while not (await response.content.readline()).startswith(b": "):
        pass
    agent.gate.set()
    assert "[DONE]" in await response.text()


async def test_plain_chat_gives_answer_sources_and_conversation(door: Client, agent: FakeAgent) -> None:
    reply = await (await door.post("/chat", json={"message": "Hello?"})).json()
    assert (reply["answer"], reply["conversation"]) == ("Hello there.", "conv-1")
    assert agent.asked[0].documents is True and agent.asked[0].conversation is True
    await door.post("/chat", json={"message": "And then?", "conversation": "conv-1"})
    assert agent.asked[1].conversation == "conv-1"


async def test_plain_chat_streams_texts_and_then_the_reply(door: Client) -> None:
    response = await door.post("/chat", json={"message": "Hello?", "stream": True})
    *texts, reply = data(await events(response))
    assert texts == [{"text": "Hello "}, {"text": "there."}]
    assert reply["answer"] == "Hello there." and reply["sources"]


async def test_generate_asks_the_bare_model(door: Client, agent: FakeAgent) -> None:
    reply = await (await door.post("/generate", json={"prompt": "Say hello.", "system": "Be brief."})).json()
    assert (reply["text"], reply["finish_reason"]) == ("Hello there.", "stop")
    assert agent.asked[0].documents is False
    assert [message["role"] for message in agent.asked[0].messages] == ["system", "user"]


async def test_models_and_voices_are_listed(door: Client) -> None:
    for path in ("/v1/models", "/models"):
        assert (await (await door.get(path)).json())["data"][0]["id"] == "tiny.gguf"
    assert (await (await door.get("/v1/models/tiny.gguf")).json())["object"] == "model"
    assert (await door.get("/v1/models/gone")).status == 404
    assert (await (await door.get("/voices")).json()) == {"voices": [{"id": "voice"}]}


async def test_every_route_is_described(door: Client) -> None:
    description = await (await door.get("/openapi.json")).json()
    assert description["openapi"].startswith("3.1")
    assert {"/v1/chat/completions", "/v1/audio/speech", "/transcribe"} <= set(description["paths"])
    assert "conversation" in json.dumps(description["components"]["schemas"]["ChatRequest"])
