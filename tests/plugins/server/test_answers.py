"""Answers are made once for all who ask the same, and only for them."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from plugins.llama.model import Delta, Usage
from plugins.server.answers import Answers, full_key
from plugins.server.chat import ChatRequest
from tests.plugins.server.conftest import Bench

HELLO = [{"role": "user", "content": "hello"}]


async def ask(bench: Bench, **options: Any) -> str:
    return "".join([delta.get("content", "") async for delta in bench.client.chat(HELLO, **options)])


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("answer_cache_requests_total", {"outcome": outcome}) or 0.0


async def test_who_asks_the_same_gets_the_same_answer_without_the_model(bench: Bench) -> None:
    hits, misses = counted("hit"), counted("miss")
    answers = [await ask(bench, cache_key="one", call_id=call) for call in ("call-1", "call-2", "call-3")]
    assert answers == ["Hello there."] * 3 and len(bench.llama.asked) == 1
    assert (counted("hit") - hits, counted("miss") - misses) == (2, 1)


async def test_a_kept_answer_ends_like_any_other(bench: Bench) -> None:
    for _ in range(2):
        deltas = [delta async for delta in bench.client.chat(HELLO, cache_key="one")]
    assert deltas[-2] == {"finish_reason": "stop"} and deltas[-1]["usage"]["completion_tokens"] == 2


async def test_without_a_key_every_answer_is_made(bench: Bench) -> None:
    for _ in range(2):
        await ask(bench)
    assert len(bench.llama.asked) == 2


async def test_another_key_or_another_wish_is_another_answer(bench: Bench) -> None:
    wishes: list[dict[str, Any]] = [{}, {"max_tokens": 9}, {"grammar": "root ::= [a-z]+"}, {"stop": "x"}]
    for wish in [*wishes, {"cache_key": "two"}]:
        await ask(bench, **({"cache_key": "one"} | wish))
    assert len(bench.llama.asked) == 5


async def test_an_answer_that_was_cut_short_is_not_kept(bench: Bench) -> None:
    bench.llama.answer = [Delta(text="Hello "), Delta(finish_reason="length", usage=Usage(7, 2, 3))]
    for _ in range(2):
        await ask(bench, cache_key="one")
    assert len(bench.llama.asked) == 2


async def test_an_answer_that_nobody_heard_out_is_not_kept(bench: Bench) -> None:
    complete, bench.llama.answer = bench.llama.answer, [Delta(text="Hello ")]
    stream = bench.client.chat(HELLO, cache_key="one")
    await anext(stream)
    await stream.aclose()
    bench.llama.answer = complete
    assert await ask(bench, cache_key="one") == "Hello there."
    assert len(bench.llama.asked) == 2


@pytest.mark.parametrize("wish", [{"temperature": 0.7}, {"tools": [{"type": "function"}]}])
def test_chance_and_tools_make_an_answer_its_own(wish: dict[str, Any]) -> None:
    request = ChatRequest(messages=HELLO, cache_key="one", **wish)
    assert full_key("one", request.generation(default_tokens=9)) is None


async def _said(*texts: str) -> Any:
    for text in texts:
        yield Delta(text=text)
    yield Delta(finish_reason="stop")


async def test_what_was_not_wanted_for_longest_goes_first() -> None:
    answers = Answers(2)
    for key in ("one", "two"):
        _ = [delta async for delta in answers.learning(key, _said(key))]
    assert answers.recall("one")
    _ = [delta async for delta in answers.learning("three", _said("three"))]
    assert answers.recall("two") is None and answers.recall("one") and answers.recall("three")


async def test_a_cache_of_no_answers_keeps_none_and_counts_nothing() -> None:
    answers, misses = Answers(0), counted("miss")
    _ = [delta async for delta in answers.learning("one", _said("one"))]
    assert answers.recall("one") is None and counted("miss") == misses
