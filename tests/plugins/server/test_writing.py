"""Who writes an answer when there is an outside model."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from plugins.errors import EngineUnavailable
from plugins.llama.model import Delta, Usage
from plugins.outside.model import OutsideModel
from tests.plugins.server.conftest import Bench

HELLO = [{"role": "user", "content": "hello"}]


@dataclass
class Outside:
    """Gives its pieces; an error among them is raised."""

    pieces: list[Delta | EngineUnavailable] = field(
        default_factory=lambda: [Delta("Good day."), Delta(finish_reason="stop", usage=Usage(1, 2, 0))]
    )
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def write(self, request: dict[str, Any]) -> AsyncGenerator[Delta]:
        self.asked.append(request)
        for piece in self.pieces:
            if isinstance(piece, EngineUnavailable):
                raise piece
            yield piece

    async def aclose(self) -> None:
        return


@pytest.fixture
def outside(bench: Bench) -> Outside:
    made = Outside()
    bench.engine.outside = cast(OutsideModel, made)
    return made


async def ask(bench: Bench, **options: Any) -> str:
    return "".join([delta.get("content", "") async for delta in bench.client.chat(HELLO, **options)])


async def test_the_outside_model_answers(bench: Bench, outside: Outside) -> None:
    assert await ask(bench, call_id="call-1", max_tokens=7, seed=3) == "Good day."
    assert outside.asked == [{"messages": HELLO, "max_tokens": 7, "temperature": 0.0, "top_p": 1.0, "seed": 3}]
    assert not bench.llama.asked


async def test_a_grammar_stays_with_the_local_model(bench: Bench, outside: Outside) -> None:
    assert await ask(bench, grammar='root ::= "x"') == "Hello there."
    assert not outside.asked


async def test_nothing_is_read_ahead_for_an_outside_model(bench: Bench, outside: Outside) -> None:
    await bench.client.read_ahead(HELLO, call_id="call-1")
    assert not outside.asked and not bench.llama.asked


async def test_the_local_model_stands_in_for_one_that_is_away(bench: Bench, outside: Outside) -> None:
    outside.pieces = [EngineUnavailable("gone")]
    assert await ask(bench) == "Hello there."
    assert bench.llama.asked[0].messages == HELLO


async def test_the_local_model_may_be_asked_something_else(bench: Bench, outside: Outside) -> None:
    outside.pieces = [EngineUnavailable("gone")]
    other = [{"role": "user", "content": "hello, in quotes"}]
    await ask(bench, fallback={"messages": other, "grammar": 'root ::= "y"'})
    assert (bench.llama.asked[0].messages, bench.llama.asked[0].grammar) == (other, 'root ::= "y"')


async def test_what_the_local_model_wrote_instead_is_not_kept_as_the_outside_models(
    bench: Bench, outside: Outside
) -> None:
    back, answers = outside.pieces, list[str]()
    away: list[Delta | EngineUnavailable] = [EngineUnavailable("gone")]
    for outside.pieces in (away, back, away):
        answers.append(await ask(bench, cache_key="one"))
    assert answers == ["Hello there.", "Good day.", "Good day."]


async def test_an_answer_that_broke_off_is_not_begun_again_by_the_local_model(bench: Bench, outside: Outside) -> None:
    outside.pieces = [Delta("Good "), EngineUnavailable("gone")]
    with pytest.raises(EngineUnavailable):
        await ask(bench)
    assert not bench.llama.asked


async def test_a_short_recording_is_transcribed_at_once(bench: Bench) -> None:
    said = await bench.client.transcribe(b"\0\0" * 32_000)
    assert said["text"] == "word0 word1"
