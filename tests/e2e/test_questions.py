"""A caller asks about the demo documents: aloud, in text, and two at once."""

import asyncio

import pytest
import pytest_asyncio

from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import ask_for_ticket
from agent.prompts import read_stock
from plugins.client import EngineClient
from tests.e2e.listening import Heard, ask_aloud, held_out, transcribe, word_error_rate
from tests.system import Landline

pytestmark = pytest.mark.e2e

QUESTIONS = held_out(10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def conversation(landline: Landline) -> list[Heard]:
    """Ten questions asked aloud in one call."""
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        assert await caller.hear_greeting()
        return await ask_aloud(caller, QUESTIONS)


def test_the_caller_is_understood(conversation: list[Heard]) -> None:
    pairs = [(turn.report.said, turn.report.understood) for turn in conversation]
    assert word_error_rate(pairs) <= 0.10, pairs


def test_answers_hold_the_key_facts_and_name_their_sources(conversation: list[Heard]) -> None:
    right = [turn for turn in conversation if turn.question.is_answered_by(turn.report.answer)]
    assert len(right) >= 9, [(turn.report.understood, turn.report.answer) for turn in conversation]
    assert all(turn.report.sources for turn in right)


async def test_the_key_facts_are_heard_in_the_audio(conversation: list[Heard], landline: Landline) -> None:
    right = [turn for turn in conversation if turn.question.is_answered_by(turn.report.answer)]
    async with EngineClient(landline.engine_url) as engine:
        transcripts = [await transcribe(engine, turn.agent) for turn in right]
    heard = [turn.question.is_heard_in(text) for turn, text in zip(right, transcripts, strict=True)]
    assert sum(heard) >= 0.5 * len(right), [(t.question.keys, x) for t, x in zip(right, transcripts, strict=True)]


def test_every_answer_was_heard_and_timed(conversation: list[Heard]) -> None:
    assert all(turn.report.heard_ms and turn.report.stages for turn in conversation)


async def test_typed_questions_are_answered_in_text(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        reports = [await caller.type(question.text) for question in QUESTIONS]
    right = [q.is_answered_by(report.answer) for q, report in zip(QUESTIONS, reports, strict=True)]
    assert sum(right) >= 9, [(report.said, report.answer) for report in reports]
    assert all(report.sources for report in reports)


async def test_documents_off_gives_an_answer_without_sources(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url, documents=False)) as caller:
        await caller.hear_greeting()
        off = await caller.type("what time is breakfast")
        await caller.use_documents(True)
        on = await caller.type("what time is breakfast")
    assert off.answer and not off.sources and "7 am" not in off.answer
    assert on.sources and "7 am" in on.answer


async def test_who_asks_where_it_says_that_is_told_in_text_and_aloud(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        early = await caller.type("where does it say that")
        await caller.type("what time is breakfast on weekdays")
        typed = await caller.type("where does it say that")
        audio = CallScript([]).audio(Say("how do you know that"), sample_rate_hz=RATE_HZ)
        said = await caller.say(audio, text="how do you know that")
    assert early.answer == read_stock()["no_source"].text and not early.sources
    assert typed.answer.startswith("That is in the document “Breakfast”") and typed.sources[0].title == "Breakfast"
    assert said.answer == typed.answer, said.understood


async def test_two_callers_at_once_get_their_own_answers(landline: Landline) -> None:
    async def call(text: str) -> str:
        async with Caller(await ask_for_ticket(landline.base_url)) as caller:
            await caller.hear_greeting()
            await caller.type("hello")  # whatever is left of the greeting is over after this
            return (await caller.type(text)).answer

    breakfast, parking = await asyncio.gather(call("when is breakfast on weekdays"), call("what does parking cost"))
    assert "7 am" in breakfast and "euros" in parking


async def test_two_callers_speak_at_once(landline: Landline) -> None:
    async def call(index: int) -> Heard:
        async with Caller(await ask_for_ticket(landline.base_url)) as caller:
            await caller.hear_greeting()
            return (await ask_aloud(caller, [QUESTIONS[index]]))[0]

    first, second = await asyncio.gather(call(0), call(4))
    for turn in (first, second):
        assert turn.report.understood and turn.report.answer and turn.report.heard_ms
    assert first.report.answer != second.report.answer
