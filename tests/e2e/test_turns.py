"""When a turn ends: callers who hesitate, who read out numbers, who never stop."""

import numpy as np
import pytest

from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.report import TurnReport
from agent.caller.script import CallScript, Say, said
from agent.caller.ticket import ask_for_ticket
from tests.system import Landline

pytestmark = pytest.mark.e2e

SCRIPT = CallScript([])
MONOLOGUE = (
    "i would like to tell you about our trip and the weather and the children and the dog because we are coming by"
    " train and then by bus and we will arrive late and my husband wants breakfast and i would like to know what"
    " time is breakfast"
)


async def say(caller: Caller, text: str) -> TurnReport:
    turn = Say(text)
    return await caller.say(SCRIPT.audio(turn, sample_rate_hz=RATE_HZ), text=said(turn))


async def test_a_caller_who_hesitates_is_heard_out(landline: Landline) -> None:
    """What was thought of the first half is thrown away: one turn, one answer, to the whole question."""
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        report = await say(caller, "what time is the [0.7] breakfast")
        again = await say(caller, "can you say that again")
    assert not report.is_cut_off
    assert "7" in report.answer or "seven" in report.answer, report.answer
    assert "breakfast" in report.understood.lower()
    assert again.answer


async def test_pauses_in_a_number_end_no_turn(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        report = await say(caller, "my number is oh seven seven [0.6] four one two [0.6] three eight six")
    assert not report.is_cut_off
    assert report.answer


async def test_a_caller_who_never_stops_is_answered_at_last(landline: Landline) -> None:
    """Longer than Whisper's window, without a pause."""
    sentence = SCRIPT.audio(Say(MONOLOGUE), sample_rate_hz=RATE_HZ)
    audio = np.concatenate([sentence] * max(2, round(36 / (sentence.size / RATE_HZ))))
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        report = await caller.say(audio, text="a monologue")
        later = await say(caller, "how much does parking cost")
    assert audio.size / RATE_HZ > 30
    assert report.understood and report.answer
    assert "euro" in later.answer, (later.understood, later.answer)
