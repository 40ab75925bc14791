"""A conversation is kept as it was heard, and goes on by its id in another call."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from agent.call_record import CALLS_FOLDER, CallRecords
from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Patience, Say
from agent.caller.ticket import ask_for_ticket
from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.conversations.turns import Conversation, new_id
from agent.database import Database
from agent.settings import ROOT
from tests.system import Landline, running

pytestmark = pytest.mark.e2e

QUESTION, KEY = "what time is breakfast on weekdays", "7 am"
FOLLOW_UP, FOLLOW_UP_KEY = "and on sundays", "breakfast is served from 8 am"


async def kept(landline: Landline, conversation_id: str, *, turns: int) -> Conversation:
    """The conversation, once it has so many turns."""
    database = Database(str(landline.folder / "data" / "conversations.db"))
    conversations = Conversations(database, recordings=Recordings(landline.folder / "data" / "recordings"))
    try:
        async with asyncio.timeout(20):
            while True:
                found = await conversations.get(conversation_id)
                if found and len(found.turns) >= turns:
                    return found
                await asyncio.sleep(0.1)
    finally:
        await conversations.aclose()


async def test_a_conversation_goes_on_in_a_second_call(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        assert KEY in (await caller.type(QUESTION)).answer
        known = caller.ticket.conversation
    await kept(landline, known, turns=1)
    ticket = await ask_for_ticket(landline.base_url, conversation=known)
    assert ticket.conversation == known
    async with Caller(ticket) as caller:
        await caller.hear_greeting()
        assert FOLLOW_UP_KEY in (await caller.type(FOLLOW_UP)).answer
    first, second = (await kept(landline, known, turns=2)).turns
    assert (first.said, first.door, second.said) == (QUESTION, "text", FOLLOW_UP)
    assert first.heard == first.answer and KEY in first.heard and first.sources[0].passage
    assert first.latencies_ms["answered_ms"] > 0


async def test_nobody_goes_on_with_a_conversation_whose_id_they_do_not_know(landline: Landline) -> None:
    guess = new_id()  # one alone: a ticket that nobody comes with holds a line for a while
    ticket = await ask_for_ticket(landline.base_url, conversation=guess)
    assert ticket.conversation and ticket.conversation != guess


async def test_an_interrupted_answer_is_kept_as_it_was_heard(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        audio = CallScript([]).audio(Say(QUESTION), sample_rate_hz=RATE_HZ)
        await caller.say(audio, text=QUESTION, listen_s=0.6)
        await caller.type("thank you")
        known = caller.ticket.conversation
    turn = (await kept(landline, known, turns=2)).turns[0]
    assert turn.door == "voice" and turn.interrupted
    assert len(turn.heard) < len(turn.answer)


async def test_a_question_whose_caller_hung_up_before_the_answer_is_kept(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url), patience=Patience(answer_s=2.0)) as caller:
        await caller.hear_greeting()
        landline.process("engine").suspend()
        await caller.type(QUESTION)
        known = caller.ticket.conversation
    landline.process("engine").resume()
    (turn,) = (await kept(landline, known, turns=1)).turns
    assert (turn.said, turn.door, turn.heard, turn.interrupted) == (QUESTION, "text", "", True)


async def test_what_is_kept_is_not_logged(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        await caller.type("my telephone number is zanzibar seven")
        known = caller.ticket.conversation
    conversation = await kept(landline, known, turns=1)
    assert "zanzibar" in json.dumps(conversation.as_json()) and "zanzibar" not in landline.log


async def test_a_recorded_call_says_so_and_its_recording_goes_with_the_conversation(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path / "data" / "recordings")
    with running(tmp_path, CONVERSATIONS_RECORD="true") as landline:
        async with Caller(await ask_for_ticket(landline.base_url)) as caller:
            assert "This call is recorded." in await caller.hear_greeting()
            known = caller.ticket.conversation
            audio = CallScript([]).audio(Say(QUESTION), sample_rate_hz=RATE_HZ)
            assert KEY in (await caller.say(audio, text=QUESTION)).answer
        await kept(landline, known, turns=1)
        (file,) = recordings.files(known)
        await until_whole(file)
        left, right = loudness(file)
        assert left > 0.005 and right > 0.005, "both sides are on it"
        await deleted(tmp_path, known)
        assert not recordings.files(known)


async def test_a_conversation_that_is_deleted_during_its_call_leaves_nothing_and_the_call_goes_on(
    landline: Landline,
) -> None:
    calls = CallRecords(landline.folder / CALLS_FOLDER)
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        await caller.type(QUESTION)
        known, room = caller.ticket.conversation, caller.ticket.room
        await kept(landline, known, turns=1)
        before = calls.read(room)
        await deleted(landline.folder, known)
        gone = calls.read(room)
        assert FOLLOW_UP_KEY in (await caller.type(FOLLOW_UP)).answer
        after = calls.read(room)
    assert before and gone and after
    assert before.messages and gone.messages == after.messages == ()


async def deleted(folder: Path, conversation: str) -> None:
    """`landline conversations delete`."""
    command = [sys.executable, "-m", "agent", "conversations", "delete", conversation]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    await asyncio.to_thread(subprocess.run, command, cwd=folder, env=environment, check=True)


async def until_whole(file: Path) -> None:
    """Until nothing is added to it any more."""
    size = -1
    async with asyncio.timeout(20):
        while size != (size := file.stat().st_size):
            await asyncio.sleep(3)


def loudness(file: Path) -> tuple[float, float]:
    """Of the caller and of the agent."""
    with av.open(str(file)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    left, right = sound.std(axis=1)
    return float(left), float(right)
