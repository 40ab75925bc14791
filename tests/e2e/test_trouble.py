"""What a caller lives through when something breaks, and what nobody may do."""

import asyncio
import time

import jwt
import psutil
import pytest

from agent.caller.conversation import Caller
from agent.caller.errors import CallRefused
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import Keys, Ticket, ask_for_ticket, mint_ticket
from tests.system import Landline

pytestmark = pytest.mark.e2e

WEIGHTS = ("/torch/", "/ctranslate2", "/llama_cpp/", "/lancedb/", "/piper/")


def jobs(landline: Landline) -> list[psutil.Process]:
    """The workers' job processes and whatever else they started."""
    return [job for worker in landline.processes("worker") for job in worker.children(recursive=True)]


async def test_jobs_hold_no_model_library(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        mapped = {one.path for job in jobs(landline) for one in job.memory_maps()}
    assert mapped and not [path for path in mapped if any(part in path for part in WEIGHTS)]


async def test_a_caller_who_leaves_in_mid_word_ends_the_job(landline: Landline) -> None:
    before = len(landline.log)
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        audio = CallScript([]).audio(Say("what time is breakfast on sundays"), sample_rate_hz=RATE_HZ)
        speaking = asyncio.create_task(caller.mouth.speak(audio))
        await asyncio.sleep(0.5)
        speaking.cancel()
    await asyncio.to_thread(landline.wait_for_line, "call ended", after=before, within_s=20)


async def test_a_dead_engine_is_apologised_for_and_the_next_turn_works(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        assert "7 am" in (await caller.type("when is breakfast on weekdays")).answer
        before = len(landline.log)
        landline.kill("engine")
        during = await caller.type("what does parking cost")
        await asyncio.to_thread(landline.wait_for_line, "ready in", after=before, within_s=60)
        after = await caller.type("what does parking cost")
    assert "moment" in during.answer.lower() or "8 euros" in during.answer
    assert "8 euros" in after.answer


async def test_a_long_typed_message_is_answered(landline: Landline) -> None:
    async with Caller(await ask_for_ticket(landline.base_url)) as caller:
        await caller.hear_greeting()
        report = await caller.type("when is breakfast? " + "please tell me. " * 625)
    assert report.answer


async def test_a_forged_ticket_is_refused(landline: Landline) -> None:
    keys = Keys(landline.livekit_url, landline.api_key, "another secret of more than thirty-two characters")
    with pytest.raises(CallRefused, match="not signed with this server's secret"):
        async with Caller(mint_ticket(keys, agent_name=landline.agent_name)):
            pass


async def test_an_expired_ticket_is_refused(landline: Landline) -> None:
    ticket = mint_ticket(
        Keys(landline.livekit_url, landline.api_key, landline.api_secret), agent_name=landline.agent_name
    )
    claims = jwt.decode(ticket.token, options={"verify_signature": False})
    late = jwt.encode(claims | {"exp": int(time.time()) - 3600, "nbf": int(time.time()) - 7200}, landline.api_secret)
    with pytest.raises(CallRefused, match="expired"):
        async with Caller(Ticket(ticket.url, ticket.room, late)):
            pass
