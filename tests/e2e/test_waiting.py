"""More callers than lines, and what the engine counts of those who are talking."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from agent.caller.conversation import Caller
from agent.caller.errors import LinesBusy
from agent.caller.ticket import ask_for_ticket
from plugins.client import EngineClient
from tests.system import Landline, running

pytestmark = pytest.mark.e2e

COUNTED = 'turn_stage_duration_seconds_count{door="text",stage="answered"} 1.0'


@pytest.fixture
async def one_line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Landline]:
    with running(tmp_path_factory.mktemp("one-line"), WORKER_MAX_CALLS="1") as system:
        yield system


async def test_a_full_house_is_waited_for_in_line(one_line: Landline) -> None:
    places: list[int] = []
    async with Caller(await ask_for_ticket(one_line.base_url)) as caller:
        await caller.hear_greeting()
        with pytest.raises(LinesBusy, match="number 1 in line"):
            await ask_for_ticket(one_line.base_url)
        waiting = asyncio.create_task(ask_for_ticket(one_line.base_url, wait_s=60, on_place=places.append))
        assert "7 am" in (await caller.type("when is breakfast on weekdays")).answer
        assert COUNTED in await turns_counted(one_line)
        async with EngineClient(one_line.engine_url) as engine:
            capacity = await engine.capacity()
        assert (capacity["calls"], capacity["fits"], capacity["lines"]) == (1, 1, 1)
        assert not waiting.done()
    async with Caller(await waiting) as next_caller:
        await next_caller.hear_greeting()
    assert places == [1]


async def turns_counted(system: Landline) -> str:
    """The engine's metrics once a turn is among them."""
    connector = aiohttp.UnixConnector(path=system.engine_url.removeprefix("unix:"))
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.timeout(10):
        while True:
            async with http.get("http://engine/metrics") as response:
                if COUNTED in (text := await response.text()):
                    return text
            await asyncio.sleep(0.1)
