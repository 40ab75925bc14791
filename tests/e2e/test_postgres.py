"""A whole system that keeps its conversations in Postgres: every door, every command, deletion while a call runs."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from agent.caller.conversation import Caller
from agent.caller.ticket import ask_for_ticket
from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.database import Database
from agent.settings import ROOT
from tests.postgres import running_postgres
from tests.system import Landline, running

pytestmark = pytest.mark.e2e

WITHIN_S = 20
QUESTION, KEY = "what time is breakfast on weekdays", "7 am"
FOLLOW_UP, FOLLOW_UP_KEY = "what time is breakfast on sundays", "8 am"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_postgres() as address:
        yield address


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Landline]:
    with running(tmp_path_factory.mktemp("postgres"), CONVERSATIONS_DATABASE=address) as system:
        yield system


async def command(system: Landline, address: str, *words: str) -> str:
    """`landline conversations …` beside the running system: what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "conversations", *words),
        cwd=system.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CONVERSATIONS_DATABASE": address},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return told.decode()


async def listed(system: Landline, address: str) -> dict[str, Any]:
    """The conversations by their ids."""
    return {one["id"]: one for one in json.loads(await command(system, address, "list", "--json"))}


async def until_turns(address: str, conversation: str, turns: int) -> None:
    conversations = Conversations(Database(address), recordings=Recordings(Path("none")))
    async with asyncio.timeout(WITHIN_S):
        while not (found := await conversations.get(conversation)) or len(found.turns) < turns:
            await asyncio.sleep(0.2)
    await conversations.aclose()


async def ask(system: Landline, **body: Any) -> Any:
    """One turn over HTTP."""
    async with aiohttp.ClientSession(system.base_url) as http, http.post("/chat", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_a_conversation_goes_from_http_into_a_room_and_is_exported(kept: Landline, address: str) -> None:
    first = await ask(kept, message=QUESTION)
    known = first["conversation"]
    assert KEY in first["answer"]
    async with Caller(await ask_for_ticket(kept.base_url, conversation=known)) as caller:
        await caller.hear_greeting()
        assert FOLLOW_UP_KEY in (await caller.type(FOLLOW_UP)).answer
    await until_turns(address, known, 2)
    assert (await listed(kept, address))[known]["doors"] == ["http", "text"]
    [exported] = map(json.loads, (await command(kept, address, "export", known)).splitlines())
    assert [turn["said"] for turn in exported["turns"]] == [QUESTION, FOLLOW_UP]
    assert all(turn["sources"] and turn["latencies_ms"]["answered_ms"] > 0 for turn in exported["turns"])


async def test_what_is_deleted_while_its_call_runs_stays_deleted(kept: Landline, address: str) -> None:
    async with Caller(await ask_for_ticket(kept.base_url)) as caller:
        await caller.hear_greeting()
        await caller.type(QUESTION)
        known = caller.ticket.conversation
        await until_turns(address, known, 1)
        await command(kept, address, "delete", known)
        assert FOLLOW_UP_KEY in (await caller.type(FOLLOW_UP)).answer
    again = await ask(kept, message=QUESTION, conversation=known)
    assert again["conversation"] != known
    found = await listed(kept, address)
    assert known not in found and again["conversation"] in found
    assert "Traceback" not in kept.log


async def test_what_is_old_is_pruned(kept: Landline, address: str) -> None:
    known = (await ask(kept, message=QUESTION))["conversation"]
    assert known in await listed(kept, address)
    database = Database(address)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE conversations SET changed_at = changed_at - interval '400 days'"))
    await database.aclose()
    await command(kept, address, "prune", "--older-than-days", "365")
    assert known not in await listed(kept, address)
