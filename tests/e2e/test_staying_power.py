"""Stopping the agent in mid-sentence, and calls that outlive a dead engine or LiveKit server."""

import asyncio

import pytest
from livekit import rtc

from agent.caller.captions import Captions
from agent.caller.conversation import CHAT, Caller
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import ask_for_ticket
from plugins.audio import Float
from tests.system import Landline

pytestmark = pytest.mark.e2e

QUESTION = "what time is breakfast on weekdays"
KEY = "7 am"


def spoken(text: str) -> Float:
    return CallScript([]).audio(Say(text), sample_rate_hz=RATE_HZ)


async def answering(caller: Caller) -> asyncio.Task[None]:
    """Ask aloud; returns once the agent's answer is heard, with the task that hears it out."""
    spoken_s = await caller.mouth.speak(spoken(QUESTION))
    async with asyncio.timeout(20):
        await caller.ear.sound_after(spoken_s)
    return asyncio.create_task(caller.silence_of_agent())


def last_caption(caller: Caller) -> str:
    me = caller.room.local_participant.identity
    return [one.text for one in caller.captions.notes.segments if one.speaker != me][-1]


async def test_the_button_stops_the_agent_in_mid_sentence(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        whole = (await caller.type(QUESTION)).answer
        quiet = await answering(caller)
        await asyncio.sleep(0.8)
        await caller.interrupt()
        await quiet
        heard = last_caption(caller)
    assert heard and whole.startswith(heard.strip()) and len(heard) < len(whole)


async def test_speaking_over_the_agent_stops_it_and_is_answered(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        quiet = await answering(caller)
        await asyncio.sleep(1.0)
        report = await caller.say(spoken("how much does parking cost"), text="how much does parking cost")
        await quiet
        captions = [one.text for one in caller.captions.notes.segments]
    assert "euros" in report.answer, captions


async def test_typing_over_the_agent_stops_its_voice(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        quiet = await answering(caller)
        await asyncio.sleep(0.5)
        report = await caller.type("how much does parking cost")
        await quiet
        again = await caller.say(spoken(QUESTION), text=QUESTION)
    assert "euros" in report.answer
    assert again.heard_ms is not None, "the voice is on again for a spoken question"


async def test_who_takes_no_audio_can_still_chat(landline: Landline) -> None:
    ticket = await ask_for_ticket(landline.base_url)
    room = rtc.Room()
    captions = Captions(room)
    await room.connect(ticket.url, ticket.token, rtc.RoomOptions(auto_subscribe=False))
    try:
        async with asyncio.timeout(20):
            while not room.remote_participants:
                await asyncio.sleep(0.05)
            await room.local_participant.send_text(QUESTION, topic=CHAT)
            while not any(KEY in one.text for one in captions.notes.segments):
                await captions.change()
    finally:
        await captions.aclose()
        await room.disconnect()


async def until_answered(caller: Caller) -> None:
    async with asyncio.timeout(90):
        while not any(KEY in one.text for one in caller.captions.notes.segments):
            await caller.captions.change()
    await caller.silence_of_agent()


async def test_a_spoken_question_survives_a_dead_engine(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        landline.kill("engine")
        during = await caller.say(spoken(QUESTION), text=QUESTION)
        await until_answered(caller)
    assert "one moment" in during.answer.lower() or KEY in during.answer
    assert during.heard_ms is not None


async def test_a_spoken_question_survives_a_frozen_engine(landline: Landline) -> None:
    written = len(landline.log)
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        landline.process("engine").suspend()
        await caller.mouth.speak(spoken(QUESTION))
        await asyncio.to_thread(landline.wait_for_line, "no longer works and is killed", after=written)
        await until_answered(caller)


@pytest.mark.filterwarnings(  # livekit-rtc drops handles of the old connection twice, and complains about itself
    "ignore:Exception ignored in. <function FfiHandle:pytest.PytestUnraisableExceptionWarning"
)
async def test_a_call_goes_on_after_livekit_was_restarted(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        reconnected = asyncio.Event()
        caller.room.on("reconnected", reconnected.set)
        landline.kill("livekit")
        async with asyncio.timeout(30):
            await reconnected.wait()
            while not caller.room.remote_participants:
                await asyncio.sleep(0.05)
        typed = await caller.type(QUESTION)
        said = await caller.say(spoken(QUESTION), text=QUESTION)
    assert KEY in typed.answer
    assert KEY in said.answer
