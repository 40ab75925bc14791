"""An outside model that answers, stumbles, hangs, lies or is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

import pytest
from aiohttp.test_utils import unused_port

from plugins.errors import EngineUnavailable, InvalidRequest
from plugins.llama.generation import Delta, ToolCall, Usage
from plugins.outside.breaker import Breaker
from plugins.outside.model import OutsideModel, Server

from .conftest import DONE, Manner, Outside, event, hang_up, hangs, refuses, says, well

PATIENCE_S = 2.0
"""Time enough for a busy machine to answer: only what hangs takes so long."""
ASKED = {"messages": [{"role": "user", "content": "Hello?"}], "max_tokens": 9}


@pytest.fixture
async def model(outside: Outside) -> AsyncIterator[OutsideModel]:
    model = OutsideModel(Server(url=outside.url, first_token_s=PATIENCE_S, silence_s=PATIENCE_S))
    yield model
    await model.aclose()


async def answer(model: OutsideModel) -> Delta:
    """The whole answer."""
    whole = Delta()
    async with aclosing(model.write(ASKED)) as deltas:
        async for delta in deltas:
            whole = whole.then(delta)
    return whole


async def test_its_words_come_with_their_usage(model: OutsideModel) -> None:
    assert await answer(model) == Delta("Hello there.", (), "stop", Usage(5, 2, 0))


async def test_it_is_asked_in_openais_fields_for_its_first_model(model: OutsideModel, outside: Outside) -> None:
    await answer(model)
    stream = {"stream": True, "stream_options": {"include_usage": True}}
    assert outside.asked == [ASKED | stream | {"model": "their-model"}]


async def test_fragments_of_tool_calls_become_whole_ones(model: OutsideModel, outside: Outside) -> None:
    first = event(tool_calls=[{"index": 0, "id": "call-1", "function": {"name": "look", "arguments": '{"a"'}}])
    second = event(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}])
    outside.manners = [says(first, second, event(reason="tool_calls"), DONE)]
    assert (await answer(model)).tool_calls == (ToolCall("call-1", "look", '{"a": 1}'),)


async def test_calls_that_share_an_index_stay_apart(model: OutsideModel, outside: Outside) -> None:
    calls = [event(tool_calls=[{"id": f"call-{name}", "function": {"name": name, "arguments": "{}"}}]) for name in "ab"]
    outside.manners = [says(*calls, event(reason="tool_calls"), DONE)]
    assert (await answer(model)).tool_calls == (ToolCall("call-a", "a", "{}"), ToolCall("call-b", "b", "{}"))


@pytest.mark.parametrize(
    "trouble",
    [
        refuses(500),
        refuses(429),
        refuses(401),
        hangs,
        hang_up,
        says(b"<html>hello</html>"),
        says(b"data: {nonsense\n\n"),
        says(b"data: [1]\n\n"),
        says(b'data: {"choices": [7]}\n\n'),
        says(b"data: " + b"x" * 3_000_000),
        says(b'data: {"error": {"message": "out of memory"}}\n\n'),
        says(DONE),
    ],
    ids=[
        "500",
        "429",
        "401",
        "hangs",
        "hangs up",
        "html",
        "no json",
        "no object",
        "no choice",
        "endless",
        "error",
        "empty",
    ],
)
async def test_trouble_before_the_first_word_is_tried_again(
    model: OutsideModel, outside: Outside, trouble: Manner
) -> None:
    outside.manners = [trouble, well]
    assert (await answer(model)).text == "Hello there."


async def test_trouble_that_stays_is_said(model: OutsideModel, outside: Outside) -> None:
    outside.manners = [refuses(500)]
    with pytest.raises(EngineUnavailable):
        await answer(model)
    assert len(outside.asked) == 2


@pytest.mark.parametrize("cut", [says(event("Hello ")), says(event("Hello "), then=partial(asyncio.sleep, 3600))])
async def test_an_answer_that_broke_off_is_not_begun_again(model: OutsideModel, outside: Outside, cut: Manner) -> None:
    outside.manners = [cut]
    with pytest.raises(EngineUnavailable):
        await answer(model)
    assert len(outside.asked) == 1


async def test_a_wrong_request_is_not_tried_again(model: OutsideModel, outside: Outside) -> None:
    outside.manners = [refuses(400)]
    with pytest.raises(InvalidRequest):
        await answer(model)
    assert len(outside.asked) == 1


async def test_nobody_at_the_address_is_the_same_as_no_answer() -> None:
    model = OutsideModel(Server(url=f"http://127.0.0.1:{unused_port()}/v1", model="any"))
    with pytest.raises(EngineUnavailable):
        await answer(model)
    await model.aclose()


async def test_a_server_that_keeps_failing_is_left_alone(outside: Outside) -> None:
    outside.manners = [refuses(500)]
    model = OutsideModel(Server(url=outside.url, model="any"), breaker=Breaker(failures=2, clock=lambda: 0.0))
    for _ in range(3):
        with pytest.raises(EngineUnavailable):
            await answer(model)
    assert len(outside.asked) == 2
    await model.aclose()


@pytest.mark.parametrize(
    ("manner", "ends"), [(well, None), (refuses(400), InvalidRequest)], ids=["left early", "wrong request"]
)
async def test_a_server_that_answers_is_no_longer_left_alone(
    outside: Outside, manner: Manner, ends: type[Exception] | None
) -> None:
    outside.manners = [refuses(500), manner, well]
    breaker = Breaker(failures=1, pause_s=0.0, clock=lambda: 0.0)
    model = OutsideModel(Server(url=outside.url, model="any"), breaker=breaker)
    async with aclosing(model.write(ASKED)) as deltas:
        if ends:
            with pytest.raises(ends):
                await anext(deltas)
        else:
            assert (await anext(deltas)).text == "Hello "
    assert not breaker.is_open
    await model.aclose()


async def test_a_server_that_has_another_model_by_now_is_asked_for_that(model: OutsideModel, outside: Outside) -> None:
    await answer(model)
    outside.model, outside.manners = "newer-model", [refuses(404), well]
    assert (await answer(model)).text == "Hello there."
    assert [asked["model"] for asked in outside.asked] == ["their-model", "their-model", "newer-model"]


async def test_usage_may_be_missing(model: OutsideModel, outside: Outside) -> None:
    outside.manners = [says(event("Hello."), event(reason="stop"), DONE)]
    assert (await answer(model)).usage == Usage(0, 0, 0)
