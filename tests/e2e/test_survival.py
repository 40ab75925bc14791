"""Calls outlive the process that has them, and one call's end is no other's."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agent.caller.conversation import Caller
from agent.caller.errors import NoServer
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import ask_for_ticket
from agent.phrases import LINE_BROKE
from plugins.audio import Float
from tests.system import Landline, running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings(  # livekit-rtc complains about tracks whose participant has died
        "ignore:Exception ignored in. <function FfiHandle:pytest.PytestUnraisableExceptionWarning"
    ),
]

QUESTION, KEY = "what time is breakfast on weekdays", "7 am"
FOLLOW_UP, FOLLOW_UP_KEY = "and on sundays", "breakfast is served from 8 am"


def spoken(text: str) -> Float:
    return CallScript([]).audio(Say(text), sample_rate_hz=RATE_HZ)


def captions(caller: Caller) -> list[str]:
    me = caller.room.local_participant.identity
    return [one.text.strip() for one in caller.captions.notes.segments if one.speaker != me]


async def until_told(caller: Caller, text: str, *, times: int = 1) -> None:
    """Until the agent has said `text` that often."""
    async with asyncio.timeout(30):
        while sum(text in line for line in captions(caller)) < times:
            await caller.captions.change()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.05)


async def test_a_killed_workers_call_goes_on_in_another_with_its_history(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        assert KEY in (await caller.type(QUESTION)).answer
        killed = landline.worker_of(caller.ticket.room)
        killed.kill()
        await until_told(caller, LINE_BROKE)
        await caller.silence_of_agent()
        assert landline.worker_of(caller.ticket.room) != killed
        typed = await caller.type(FOLLOW_UP)
        said = await caller.say(spoken(QUESTION), text=QUESTION)
        agents = [one for one in caller.room.remote_participants.values()]
    assert FOLLOW_UP_KEY in typed.answer
    assert KEY in said.answer
    assert len(agents) == 1, "the dead agent is gone"


async def test_a_question_whose_process_died_is_answered_by_the_next(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        spoken_s = await caller.mouth.speak(spoken(QUESTION))
        async with asyncio.timeout(20):
            await caller.ear.sound_after(spoken_s)
        landline.job_of(caller.ticket.room).kill()
        await until_told(caller, LINE_BROKE)
        await until_told(caller, KEY)
        await caller.silence_of_agent()


async def test_a_call_that_crashes_harms_no_other(landline: Landline) -> None:
    async with (
        Caller(await ask_for_ticket(landline.base_url)) as crashing,
        Caller(await ask_for_ticket(landline.base_url)) as other,
    ):
        await asyncio.gather(crashing.hear_greeting(), other.hear_greeting())
        spoken_s = await other.mouth.speak(spoken(QUESTION))
        async with asyncio.timeout(20):
            await other.ear.sound_after(spoken_s)
        landline.job_of(crashing.ticket.room).kill()
        await until_told(other, KEY)
        await other.silence_of_agent()
        assert KEY in (await other.type(QUESTION)).answer
        await until_told(crashing, LINE_BROKE)
        heard = captions(other)
    assert LINE_BROKE not in heard


async def test_a_call_that_crashes_again_and_again_is_ended(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        ended = asyncio.Event()
        caller.room.on("disconnected", lambda *_: ended.set())
        for crash in range(3):
            landline.job_of(caller.ticket.room).kill()
            if crash < 2:
                await until_told(caller, LINE_BROKE, times=crash + 1)
        async with asyncio.timeout(20):
            await ended.wait()


async def test_a_worker_told_to_stop_ends_with_its_last_call(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        worker = landline.worker_of(caller.ticket.room)
        worker.send_signal(signal.SIGTERM)
        await asyncio.sleep(1.0)
        async with Caller(await ask_for_ticket(landline.base_url)) as newcomer:
            await newcomer.hear_greeting()
            assert landline.worker_of(newcomer.ticket.room) != worker
        assert KEY in (await caller.say(spoken(QUESTION), text=QUESTION)).answer
        assert worker.is_running()
    await until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    await until(lambda: len(landline.processes("worker")) == 2)


async def test_a_machine_told_to_stop_lets_its_calls_end(tmp_path: Path) -> None:
    with running(tmp_path, WORKER_COUNT="1") as system:
        async with Caller(await ask_for_ticket(system.base_url)) as caller:
            await caller.hear_greeting()
            system.supervisor.send_signal(signal.SIGTERM)
            await until(lambda: not system.processes("web"))
            with pytest.raises(NoServer):
                await ask_for_ticket(system.base_url)
            assert KEY in (await caller.say(spoken(QUESTION), text=QUESTION)).answer
            assert system.processes("worker")
        await until(lambda: not system.processes("worker"))
