"""Callers who are in their rooms already, as LiveKit's SIP bridge brings them, while somebody has the only line."""

import asyncio
import secrets
from collections.abc import Callable, Iterator

import aiohttp
import psutil
import pytest
from livekit.api import AccessToken, VideoGrants
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from agent.call_record import WAITING_FOLDER, CallRecords
from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import Ticket, ask_for_ticket
from agent.phrases import FOLDER, missing
from agent.settings import ModelSettings
from agent.waiting import CLOSED, THANKS, notices, place_notice
from plugins.audio import pcm_from_float, resample
from plugins.client import EngineClient
from tests.system import Landline, running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings(  # livekit-rtc complains about tracks whose participant has died
        "ignore:Exception ignored in. <function FfiHandle:pytest.PytestUnraisableExceptionWarning"
    ),
]

QUESTION, KEY = "what time is breakfast on weekdays", "7 am"
MAX_WAITING = 2
WHISPER_HZ = 16_000
HEARD_S = 15


@pytest.fixture(scope="module")
def one_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landline]:
    folder = tmp_path_factory.mktemp("phones")
    with running(folder, WORKER_MAX_CALLS="1", WORKER_MAX_WAITING=str(MAX_WAITING)) as system:
        yield system


def by_phone(system: Landline) -> Ticket:
    """What the SIP bridge has: a participant of kind SIP, whose room the agent is dispatched to."""
    room = f"phone-{secrets.token_hex(6)}"
    token = (
        AccessToken(system.api_key, system.api_secret)
        .with_identity(f"sip_{secrets.token_hex(4)}")
        .with_kind("sip")
        .with_grants(VideoGrants(room_join=True, room=room))
        .with_room_config(RoomConfiguration(agents=[RoomAgentDispatch(agent_name=system.agent_name)]))
    )
    return Ticket(url=system.livekit_url, room=room, token=token.to_jwt())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.1)


async def until_told(caller: Caller, text: str, *, times: int = 1) -> None:
    """Until the agent has said `text` that often."""
    me = caller.room.local_participant.identity
    async with asyncio.timeout(60):
        while sum(text in one.text for one in caller.captions.notes.segments if one.speaker != me) < times:
            await caller.captions.change()


async def until_rendered(system: Landline) -> None:
    """Until what is said to those who wait has been recorded."""
    voice = ModelSettings().voice
    await until(lambda: not missing(system.folder / FOLDER, voice=voice, texts=notices(MAX_WAITING)))


async def until_heard(caller: Caller, system: Landline, words: str) -> None:
    """Until the engine understands `words` in what the caller hears; a place is told again and again."""
    async with asyncio.timeout(70), EngineClient(system.engine_url) as engine:
        text = ""
        while words not in text.lower():
            await caller.silence_of_agent()
            lately = caller.tape.side(1)[-HEARD_S * RATE_HZ :]
            audio = resample(lately, from_hz=RATE_HZ, to_hz=WHISPER_HZ)
            text = (await engine.transcribe(pcm_from_float(audio)))["text"]
            await asyncio.sleep(1)


async def metrics(system: Landline) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{system.base_url}/metrics") as response:
        return await response.text()


def waiting(system: Landline) -> CallRecords:
    return CallRecords(system.folder / WAITING_FOLDER)


def process_of(system: Landline, caller: Caller) -> psutil.Process:
    """The process in which the caller waits."""
    record = waiting(system).read(caller.ticket.room)
    assert record
    return psutil.Process(record.process)


def worker_of(system: Landline, caller: Caller) -> psutil.Process:
    above = process_of(system, caller).parents()
    return next(worker for worker in system.processes("worker") if worker in above)


async def test_who_calls_by_phone_hears_the_place_and_is_answered_in_turn(one_line: Landline) -> None:
    async with Caller(await ask_for_ticket(one_line.base_url)) as talking:
        await talking.hear_greeting()
        await until_rendered(one_line)
        async with Caller(by_phone(one_line)) as second:
            await until_told(second, place_notice(1))
            async with Caller(by_phone(one_line)) as third:
                await until_told(third, place_notice(2))
                assert KEY in (await talking.type(QUESTION)).answer
                assert 'calls_waiting{door="phone"} 2.0' in (counted := await metrics(one_line))
                assert 'calls_active{door="voice"} 1.0' in counted, "who waits has no line of the engine"
                await until_heard(second, one_line, "number one")
                await third.room.local_participant.send_text("are you there", topic="lk.chat")
                await until_told(third, place_notice(2), times=2)
                await talking.hang_up()
                await until_told(second, THANKS)
                await until_told(third, place_notice(1))
            await second.silence_of_agent()
            await until(lambda: not waiting(one_line).rooms())
            question = CallScript([]).audio(Say(QUESTION), sample_rate_hz=RATE_HZ)
            assert KEY in (await second.say(question, text=QUESTION)).answer


async def test_a_place_outlives_its_process_and_its_worker_and_the_last_worker_says_goodbye(
    one_line: Landline,
) -> None:
    async with Caller(await ask_for_ticket(one_line.base_url, wait_s=60)) as talking:
        await talking.hear_greeting()
        async with Caller(by_phone(one_line)) as second, Caller(by_phone(one_line)) as third:
            await until_told(second, place_notice(1))
            await until_told(third, place_notice(2))
            process_of(one_line, second).kill()
            await until_told(second, place_notice(1), times=2)
            ending = worker_of(one_line, third)
            ending.terminate()
            await until_told(third, place_notice(2), times=2)
            assert worker_of(one_line, third) != ending
            await talking.hang_up()
            await until_told(second, THANKS)
            await until_told(third, place_notice(1))
            for worker in one_line.processes("worker"):
                worker.terminate()
            await until_told(third, CLOSED)
            await until(lambda: not waiting(one_line).rooms())
