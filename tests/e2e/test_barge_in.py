"""Callers who speak, cough and agree while the agent speaks, and one whose microphone hears its loudspeaker."""

import asyncio

import numpy as np
import pytest

from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ, Leak
from agent.caller.script import CallScript, Say
from agent.caller.ticket import ask_for_ticket
from bench import sounds
from plugins.audio import Float
from tests.e2e.listening import transcribe
from tests.system import Landline

pytestmark = pytest.mark.e2e

QUESTION = "what time is breakfast on weekdays"
OTHER = "how much does parking cost"


def spoken(text: str) -> Float:
    return CallScript([]).audio(Say(text), sample_rate_hz=RATE_HZ)


async def answering(caller: Caller, question: str = QUESTION, *, for_s: float = 1.0) -> float:
    """Ask aloud; returns when the agent has been heard answering for a while, with the time of the question."""
    asked_at_s = asyncio.get_running_loop().time()
    spoken_s = await caller.mouth.speak(spoken(question))
    async with asyncio.timeout(20):
        await caller.ear.sound_after(spoken_s)
    await asyncio.sleep(for_s)
    return asked_at_s


def captions(caller: Caller, *, since_s: float) -> list[str]:
    """What the agent said, as shown."""
    return [one.text.strip() for one in caller.captions.notes.said_by(caller.agent.identity, since_s=since_s)]


def is_interrupted(caller: Caller, *, since_s: float) -> list[bool]:
    return [page["interrupted"] for at_s, page in caller.captions.notes.turns if at_s > since_s]


async def whole_answer(caller: Caller) -> str:
    return (await caller.type(QUESTION)).answer.strip()


async def test_a_barge_in_leaves_only_the_words_that_were_heard(landline: Landline) -> None:
    from plugins.client import EngineClient

    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        whole = await whole_answer(caller)
        asked_at_s = await answering(caller)
        before = caller.tape.side(1).size
        await caller.say(spoken(OTHER), text=OTHER)
        shown = captions(caller, since_s=asked_at_s)
        audio = caller.tape.side(1)[before - round(1.3 * RATE_HZ) : before + round(0.5 * RATE_HZ)]
    engine = EngineClient(landline.engine_url)
    heard = (await transcribe(engine, audio)).split()
    await engine.aclose()
    assert whole.startswith(shown[0]) and 0 < len(shown[0]) < len(whole)
    assert abs(len(heard) - len(shown[0].split())) <= 2, (heard, shown[0])
    assert "euros" in shown[1]


@pytest.mark.parametrize("sound", ["cough", "mm-hm", "okay", "slam"])
async def test_what_is_not_meant_for_the_agent_costs_no_word(landline: Landline, sound: str) -> None:
    dice = np.random.default_rng(2)
    audio = {
        "cough": lambda: sounds.cough(dice, rate_hz=RATE_HZ),
        "mm-hm": lambda: sounds.mm_hm(dice, rate_hz=RATE_HZ),
        "okay": lambda: spoken("okay"),
        "slam": lambda: sounds.slam(dice, rate_hz=RATE_HZ),
    }[sound]()
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        whole = await whole_answer(caller)
        asked_at_s = await answering(caller)
        await caller.mouth.speak(audio)
        await caller.silence_of_agent()
        shown = captions(caller, since_s=asked_at_s)
        assert shown == [whole]
        assert is_interrupted(caller, since_s=asked_at_s) == [False]


async def test_the_agents_own_echo_does_not_interrupt_it(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        whole = await whole_answer(caller)
        caller.mouth.leak = Leak(gain=0.25, delay_s=0.15)
        asked_at_s = await answering(caller)
        await caller.silence_of_agent()
        assert captions(caller, since_s=asked_at_s) == [whole]
        assert is_interrupted(caller, since_s=asked_at_s) == [False]


async def test_ten_barge_ins_in_a_row_end_well(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        since_s = await answering(caller, for_s=0.5)
        for question in [OTHER, QUESTION] * 5:
            await answering(caller, question, for_s=0.5)
        await caller.silence_of_agent()
        last = await caller.say(spoken(OTHER), text=OTHER)
        stopped = is_interrupted(caller, since_s=since_s)
    assert sum(stopped) == 10, stopped
    assert "euros" in last.answer
