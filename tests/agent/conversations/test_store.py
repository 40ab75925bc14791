"""Conversations in a database, SQLite's and Postgres's alike."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.call_record import CallRecords, Diary
from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.conversations.turns import Message, Source, Turn, new_id
from agent.database import SCHEMA_VERSION, Database, DatabaseNewer

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUESTION = "when is breakfast"
SOURCE = Source(title="Breakfast", place="hours.md, part 1", passage="From 7 am.", score=0.9)


def turn(
    said: str = "when is breakfast", heard: str = "From 7 am.", *, door: str = "voice", at: datetime = NOW
) -> Turn:
    return Turn(
        door=door,
        said=said,
        answer="From 7 am.",
        heard=heard,
        interrupted=heard != "From 7 am.",
        sources=(SOURCE,),
        latencies_ms={"answered_ms": 612.5},
        at=at,
        id=f"{at:%d%H%M} {said}"[:32],
    )


async def test_a_turn_comes_back_as_it_was_kept(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    await conversations.add(begun, turn())
    kept = await conversations.get(begun)
    assert kept and kept.turns == (turn(),)


async def test_what_no_database_takes_is_left_out_of_a_turn(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="http")
    await conversations.add(begun, replace(turn(), said="when\0 is \ud83d breakfast"))
    kept = await conversations.get(begun)
    assert kept and [one.said for one in kept.turns] == ["when is \ufffd breakfast"]


async def test_ids_cannot_be_guessed_and_never_repeat(conversations: Conversations) -> None:
    ids = {await conversations.begin(None, door="http") for _ in range(20)}
    assert len(ids) == 20 and all(len(one) == len("conv-") + 22 for one in ids)


async def test_a_known_id_goes_on(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    assert await conversations.begin(begun, door="http") == begun


@pytest.mark.parametrize("unknown", [new_id(), "conv-1", "", "../../etc/passwd", "x" * 10_000, "' OR 1=1 --"])
async def test_an_id_that_was_never_given_begins_another_conversation(
    conversations: Conversations, unknown: str
) -> None:
    begun = await conversations.begin(unknown, door="http")
    assert begun != unknown
    assert await conversations.begin(begun, door="http") == begun


async def test_history_crosses_doors_and_holds_what_was_heard(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    await conversations.add(begun, turn(heard="From"))
    await conversations.add(begun, turn("and on sunday", "From 8.", door="http"))
    assert await conversations.history(begun, limit=10) == [
        Message("user", "when is breakfast"),
        Message("assistant", "From"),
        Message("user", "and on sunday"),
        Message("assistant", "From 8."),
    ]
    assert await conversations.history(begun, limit=1) == [Message("assistant", "From 8.")]


async def test_a_turn_that_is_added_twice_is_kept_once(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    for _ in range(2):
        await conversations.add(begun, turn())
    kept = await conversations.get(begun)
    assert kept and len(kept.turns) == 1


async def test_an_answer_of_which_nothing_was_heard_is_no_message(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    await conversations.add(begun, turn(heard=""))
    assert await conversations.history(begun, limit=10) == [Message("user", "when is breakfast")]


async def test_conversations_know_nothing_of_each_other(conversations: Conversations) -> None:
    mine, other = [await conversations.begin(None, door="voice") for _ in range(2)]
    await conversations.add(mine, turn())
    assert await conversations.history(other, limit=10) == []
    assert await conversations.history(new_id(), limit=10) == []


async def test_a_turn_is_kept_though_the_database_missed_its_conversations_beginning(
    conversations: Conversations,
) -> None:
    unheard_of = new_id()
    await conversations.add(unheard_of, turn())
    assert len(await conversations.history(unheard_of, limit=10)) == 2


async def test_turns_under_no_id_are_refused(conversations: Conversations) -> None:
    with pytest.raises(ValueError):
        await conversations.add("../other", turn())


async def test_the_list_shows_the_newest_first_and_leaves_out_silent_ones(conversations: Conversations) -> None:
    older, newer, _ = [await conversations.begin(None, door="voice") for _ in range(3)]
    await conversations.add(older, turn(at=NOW))
    await conversations.add(newer, turn(at=NOW + timedelta(minutes=1)))
    await conversations.add(newer, turn(door="http", at=NOW + timedelta(minutes=2)))
    listed = await conversations.newest()
    assert [(one.id, one.turns, one.doors) for one in listed] == [(newer, 2, ("http", "voice")), (older, 1, ("voice",))]
    assert [one.id for one in await conversations.newest(before=listed[0].changed_at)] == [older]


async def test_many_may_write_at_once(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="http")
    await asyncio.gather(*(conversations.add(begun, turn(f"question {number}")) for number in range(30)))
    kept = await conversations.get(begun)
    assert kept and {one.said for one in kept.turns} == {f"question {number}" for number in range(30)}


async def test_an_export_is_whole_and_oldest_first(conversations: Conversations) -> None:
    first, second = [await conversations.begin(None, door="voice") for _ in range(2)]
    await conversations.add(second, turn())
    await conversations.add(first, replace(turn(), id="turn-1"))
    exported = [one.as_json() async for one in conversations.export()]
    assert [one["id"] for one in exported] == [first, second]
    assert exported[0]["turns"][0] == {
        "door": "voice",
        "said": "when is breakfast",
        "answer": "From 7 am.",
        "heard": "From 7 am.",
        "interrupted": False,
        "sources": ({"title": "Breakfast", "place": "hours.md, part 1", "passage": "From 7 am.", "score": 0.9},),
        "latencies_ms": {"answered_ms": 612.5},
        "at": "2026-03-01T12:00:00+00:00",
        "id": "turn-1",
    }
    assert [one.id async for one in conversations.export([second, new_id()])] == [second]


async def test_deleting_takes_turns_and_recordings_along(
    conversations: Conversations, recordings: Recordings, database: Database
) -> None:
    gone, stays = [await conversations.begin(None, door="voice") for _ in range(2)]
    for one in (gone, stays):
        await conversations.add(one, turn(f"asked in {one}"))
        recordings.new_file(one).write_bytes(b"OggS")
    assert await conversations.delete([gone, new_id()]) == 1
    assert await conversations.get(gone) is None and not recordings.files(gone)
    assert await conversations.get(stays) and recordings.files(stays)
    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM turns")) == 1


async def on_record(calls: CallRecords, conversation: str) -> Diary:
    diary = await Diary.open(calls, f"call-{conversation}", agent="agent", is_resumed=False, conversation=conversation)
    assert diary
    diary.note([{"role": "user", "content": "when is breakfast"}])
    return diary


async def test_deleting_reaches_what_is_on_record_of_running_calls(
    conversations: Conversations, calls: CallRecords
) -> None:
    gone, stays = [await conversations.begin(None, door="voice") for _ in range(2)]
    diaries = {one: await on_record(calls, one) for one in (gone, stays)}
    await conversations.delete([gone])
    assert diaries[stays].record == calls.read(f"call-{stays}")
    assert calls.read(f"call-{gone}") == replace(diaries[gone].record, messages=())


async def test_a_call_of_another_machine_learns_of_the_deletion_with_its_next_turn(
    conversations: Conversations, calls: CallRecords, database: Database, recordings: Recordings, tmp_path: Path
) -> None:
    begun = await conversations.begin(None, door="voice")
    await on_record(calls, begun)
    elsewhere = Conversations(database, recordings=recordings, calls=CallRecords(tmp_path / "elsewhere"))
    await elsewhere.delete([begun])
    record = calls.read(f"call-{begun}")
    assert record and record.messages
    await conversations.add(begun, turn("after"))
    record = calls.read(f"call-{begun}")
    assert record and not record.messages


async def test_a_call_that_runs_on_brings_nothing_back_of_what_was_deleted(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    await conversations.add(begun, turn("before"))
    await conversations.delete([begun])
    await conversations.add(begun, turn("before"))  # as one that waited for the database
    await conversations.add(begun, turn("after"))
    assert await conversations.get(begun) is None and not await conversations.history(begun, limit=9)
    assert await conversations.begin(begun, door="http") != begun


async def test_turns_that_come_while_a_conversation_is_deleted_are_not_left_over(conversations: Conversations) -> None:
    begun = await conversations.begin(None, door="voice")
    await conversations.add(begun, turn("first"))
    adding = (conversations.add(begun, turn(f"word {number}")) for number in range(10))
    await asyncio.gather(*adding, conversations.delete([begun]))
    assert await conversations.get(begun) is None


async def test_pruning_deletes_what_nobody_went_on_with(conversations: Conversations) -> None:
    old, revived, silent = [await conversations.begin(None, door="voice") for _ in range(3)]
    await conversations.add(old, turn(at=NOW - timedelta(days=31)))
    await conversations.add(revived, turn("hello", at=NOW - timedelta(days=31)))
    await conversations.add(revived, turn(at=NOW - timedelta(days=1)))
    assert await conversations.prune(older_than_days=0, now=NOW) == 0
    assert await conversations.prune(older_than_days=30, now=NOW) == 1
    assert await conversations.get(old) is None and await conversations.get(revived)
    assert await conversations.prune(older_than_days=30, now=datetime.now(UTC) + timedelta(days=2)) >= 1
    assert await conversations.begin(silent, door="voice") != silent


async def test_recordings_that_belong_to_nothing_are_pruned_too(
    conversations: Conversations, recordings: Recordings
) -> None:
    orphan, known = new_id(), await conversations.begin(None, door="voice")
    await conversations.add(known, turn(at=datetime.now(UTC) + timedelta(days=2)))
    for one in (orphan, known):
        recordings.new_file(one).write_bytes(b"OggS")
    await conversations.prune(older_than_days=1)
    assert recordings.files(orphan) and recordings.files(known)
    await conversations.prune(older_than_days=1, now=datetime.now(UTC) + timedelta(days=2))
    assert not recordings.files(orphan) and recordings.files(known)


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(
    conversations: Conversations, database: Database, address: str
) -> None:
    await conversations.prepare()
    async with database.transaction() as connection:
        await connection.execute(text(f"UPDATE landline_schema SET version = {SCHEMA_VERSION + 1}"))
    reopened = Database(address)
    with pytest.raises(DatabaseNewer, match="newer Landline"):
        await reopened.prepare()
    await reopened.aclose()


async def test_processes_that_start_together_create_the_tables_once(address: str, database: Database) -> None:
    databases = [database, *(Database(address) for _ in range(4))]
    await asyncio.gather(*(one.prepare() for one in databases))
    for one in databases[1:]:
        await one.aclose()
