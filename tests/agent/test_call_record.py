"""What is kept of a running call, and who has it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.call_record import CallRecord, CallRecords, Diary

HISTORY = ({"role": "user", "content": "when is breakfast"}, {"role": "assistant", "content": "From 7 am."})
HOLD_AND_DIE = """
import os, sys
from pathlib import Path
from agent.call_record import Lock
assert Lock(Path(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
os._exit(9)
"""


@pytest.fixture
def records(tmp_path: Path) -> CallRecords:
    return CallRecords(tmp_path / "calls")


async def open_diary(records: CallRecords, *, room: str = "call-1", is_resumed: bool = False) -> Diary:
    diary = await Diary.open(records, room, agent="agent-1", is_resumed=is_resumed)
    assert diary
    return diary


async def test_a_running_call_is_on_record_and_held_until_it_ends(records: CallRecords) -> None:
    diary = await open_diary(records)
    diary.note(HISTORY)
    assert records.rooms() == {"call-1"}
    assert records.is_held("call-1")
    assert records.read("call-1") == diary.record
    diary.close()
    diary.note(HISTORY)
    assert records.rooms() == set()
    assert records.read("call-1") is None


async def test_nobody_but_the_owner_may_read_what_was_said(records: CallRecords, tmp_path: Path) -> None:
    (await open_diary(records)).note(HISTORY)
    files = list((tmp_path / "calls").iterdir())
    assert {file.suffix for file in files} == {".json", ".lock"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "calls").stat().st_mode & 0o777 == 0o700


async def test_a_call_that_another_process_has_is_not_taken_on(records: CallRecords) -> None:
    first = await open_diary(records)
    assert await Diary.open(records, "call-1", agent="agent-2", is_resumed=True) is None
    assert records.read("call-1") == first.record


async def test_a_resumed_call_goes_on_with_what_was_said(records: CallRecords) -> None:
    records.write(CallRecord("call-1", agent="agent-0", messages=HISTORY, resumed_at_s=(5.0,)))
    diary = await open_diary(records, is_resumed=True)
    assert diary.record.messages == HISTORY
    assert diary.record.resumed_at_s == (5.0,)
    assert diary.record.agent == "agent-1"


async def test_a_new_call_in_a_room_of_old_starts_with_nothing(records: CallRecords) -> None:
    records.write(CallRecord("call-1", messages=HISTORY))
    assert (await open_diary(records)).record.messages == ()


def test_a_process_that_dies_lets_its_call_go(records: CallRecords, tmp_path: Path) -> None:
    path = tmp_path / "calls" / "call-1.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_AND_DIE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout and holder.stdout.readline() == b"held\n"
    assert records.is_held("call-1")
    holder.kill()
    holder.communicate()
    assert not records.is_held("call-1")


def test_looking_at_a_call_that_is_over_leaves_nothing(records: CallRecords, tmp_path: Path) -> None:
    assert not records.is_held("call-1")
    assert list(tmp_path.iterdir()) == []


def test_a_rooms_name_is_no_path(records: CallRecords, tmp_path: Path) -> None:
    records.write(CallRecord("../up"))
    assert records.rooms() == {"../up"}
    assert [path.name for path in tmp_path.iterdir()] == ["calls"]


def test_half_a_record_is_none(records: CallRecords, tmp_path: Path) -> None:
    records.write(CallRecord("call-1"))
    (tmp_path / "calls" / "call-1.json").write_text('{"room": "call-1", "mess')
    assert records.read("call-1") is None


async def of_conversation(records: CallRecords, conversation: str, *, is_resumed: bool = False) -> Diary:
    room = f"call-in-{conversation}"
    diary = await Diary.open(records, room, agent="agent-1", is_resumed=is_resumed, conversation=conversation)
    assert diary
    return diary


async def test_of_a_deleted_conversation_nothing_stays_on_record_and_nothing_is_added(records: CallRecords) -> None:
    gone, stays = await of_conversation(records, "conv-gone"), await of_conversation(records, "conv-stays")
    gone.note(HISTORY)
    stays.note(HISTORY)
    records.forget({"conv-gone"})
    for _ in range(2):
        assert records.read(gone.record.room) == replace(gone.record, messages=())
        assert records.read(stays.record.room) == stays.record
        gone.note((*HISTORY, *HISTORY))


async def test_a_deletion_that_comes_while_the_record_is_written_still_holds(
    records: CallRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary, marker = await of_conversation(records, "conv-gone"), tmp_path / "calls" / "call-in-conv-gone.deleted"
    replaced = Path.replace

    def delete_meanwhile(part: Path, path: Path) -> Path:
        marker.touch()
        return replaced(part, path)

    monkeypatch.setattr(Path, "replace", delete_meanwhile)
    diary.note(HISTORY)
    record = records.read("call-in-conv-gone")
    assert record and record.messages == ()


async def test_a_call_whose_conversation_was_deleted_still_goes_on_in_another_process_and_leaves_nothing(
    records: CallRecords, tmp_path: Path
) -> None:
    records.write(CallRecord("call-in-conv-gone", messages=HISTORY, conversation="conv-gone"))
    records.forget({"conv-gone"})
    diary = await of_conversation(records, "conv-gone", is_resumed=True)
    diary.note(HISTORY)
    record = records.read(diary.record.room)
    assert record and (record.messages, record.conversation) == ((), "conv-gone")
    diary.close()
    assert list((tmp_path / "calls").iterdir()) == []


def test_looking_for_what_to_forget_leaves_nothing(records: CallRecords, tmp_path: Path) -> None:
    records.forget({"conv-gone"})
    assert list(tmp_path.iterdir()) == []


async def test_half_a_record_of_a_killed_process_goes_with_the_call(records: CallRecords, tmp_path: Path) -> None:
    diary = await open_diary(records)
    torn = tmp_path / "calls" / f"{diary.record.room}.4711"
    torn.write_text("what was s")
    others = tmp_path / "calls" / "another-call.4711"
    others.write_text("what was s")
    diary.close()
    assert list((tmp_path / "calls").iterdir()) == [others]


async def test_a_full_disk_ends_no_call(records: CallRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = await open_diary(records)

    def fail(_: CallRecord) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records, "write", fail)
    diary.note(HISTORY)
    assert diary.record.messages == HISTORY


async def test_a_record_that_cannot_be_written_leaves_nothing_of_what_was_said(
    records: CallRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary = await open_diary(records)

    def refuse(*_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    diary.note(HISTORY)
    assert {file.suffix for file in (tmp_path / "calls").iterdir()} == {".json", ".lock"}
    with pytest.raises(OSError, match="No space"):
        records.write(diary.record)


async def test_closing_again_leaves_the_record_of_whoever_has_the_room_by_then(records: CallRecords) -> None:
    first = await open_diary(records)
    first.close()
    second = await open_diary(records)
    second.note(HISTORY)
    first.close()
    assert records.is_held("call-1")
    assert records.read("call-1") == second.record


@pytest.mark.parametrize(
    ("messages", "resumed_at_s", "open_question"),
    [
        ((), (99.0,), ""),
        (HISTORY, (99.0,), ""),
        (HISTORY[:1], (99.0,), "when is breakfast"),
        (HISTORY[:1], (10.0, 99.0), "when is breakfast"),
        (HISTORY[:1], (90.0, 99.0), ""),
    ],
)
def test_an_unanswered_question_is_open_unless_it_may_have_broken_the_call_twice(
    messages: tuple[dict[str, str], ...], resumed_at_s: tuple[float, ...], open_question: str
) -> None:
    record = CallRecord("call-1", messages=messages, resumed_at_s=resumed_at_s)
    assert record.open_question(now_s=100.0) == open_question
