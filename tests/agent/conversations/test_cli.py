"""`landline conversations`, as an owner uses it."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.conversations.store import open_conversations
from agent.conversations.turns import Source, Turn
from agent.settings import ConversationsSettings

SOURCE = Source(title="Breakfast", place="hours.md", passage="From 7 am.", score=0.9)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVERSATIONS_DATABASE", str(tmp_path / "conversations.db"))
    monkeypatch.setenv("CONVERSATIONS_RECORDINGS", str(tmp_path / "recordings"))


@pytest.fixture
def known() -> list[str]:
    """Two conversations of one turn each."""

    async def fill() -> list[str]:
        conversations = open_conversations(ConversationsSettings())
        ids = [await conversations.begin(None, door="voice") for _ in range(2)]
        for one in ids:
            turn = Turn(door="voice", said="breakfast [bold]?", answer="From 7 am.", heard="From 7", sources=(SOURCE,))
            await conversations.add(one, turn)
        await conversations.aclose()
        return ids

    return asyncio.run(fill())


def landline(*arguments: str, fails: bool = False) -> Result:
    result = CliRunner().invoke(app, ["conversations", *arguments])
    assert bool(result.exit_code) == fails, result.output
    return result


def test_list_and_show(known: list[str]) -> None:
    assert {one["id"] for one in json.loads(landline("list", "--json").output)} == set(known)
    assert all(one in landline("list").output for one in known)
    shown = landline("show", known[0]).output
    assert "breakfast [bold]?" in shown and "Breakfast · hours.md" in shown
    assert json.loads(landline("show", known[0], "--json").output)["turns"][0]["heard"] == "From 7"
    landline("show", "conv-unknown", fails=True)


def test_export_writes_one_conversation_a_line(known: list[str], tmp_path: Path) -> None:
    landline("export", "--out", str(tmp_path / "all.jsonl"))
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == known
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o777 == 0o600
    assert json.loads(landline("export", known[1]).output)["id"] == known[1]
    landline("export", "conv-unknown", fails=True)


def test_delete_takes_what_is_named_or_after_a_question_everything(known: list[str]) -> None:
    landline("delete", fails=True)
    landline("delete", "--all", fails=True)
    assert json.loads(landline("delete", known[0], "--json").output) == {"deleted": 1}
    assert json.loads(landline("delete", "--all", "--yes", "--json").output) == {"deleted": 1}
    assert json.loads(landline("list", "--json").output) == []


def test_prune_deletes_what_is_old(known: list[str]) -> None:
    assert json.loads(landline("prune", "--json").output) == {"deleted": 0}
    assert json.loads(landline("prune", "--older-than-days", "0.001", "--json").output) == {"deleted": 0}


def test_a_database_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVERSATIONS_DATABASE", "mysql://somewhere")
    assert "cannot be used" in landline("list", fails=True).output
