"""What the commands print, on a terminal and off it."""

import io
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from agent import answer, ingesting
from agent.answer import Answer
from agent.cli import app, documents
from agent.ingesting import Ingested
from agent.model_store import read_table
from agent.settings import ROOT
from knowledge.errors import KnowledgeError
from knowledge.report import Report, Step

STRANGE = "Bring [your] ID [/x] :key:"
NOTHING = Report(added=(), changed=(), unchanged=(), removed=(), failed=(), skipped=())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 100 columns gets to see of the progress bars."""
    shown = io.StringIO()
    monkeypatch.setattr(documents, "errors", Console(file=shown, force_terminal=True, width=100, no_color=True))
    return shown


def test_a_terminal_sees_how_far_the_documents_are(terminal: io.StringIO) -> None:
    with documents.progress_bar("documents") as bar:
        bar.show(Step(done=1, total=2, source="house [draft] [/x].md", chunks=7))
    assert "house [draft] [/x].md" in terminal.getvalue()
    assert "1/2" in terminal.getvalue() and "7 chunks" in terminal.getvalue()


def shown(*arguments: str) -> str:
    """What a command prints on both streams, on lines as long as they need to be."""
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, arguments).output


def test_an_answer_and_its_sources_are_printed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_once(*_: Any, **__: Any) -> Answer:
        return Answer(STRANGE, [{"title": f"1 {STRANGE}", "source": f"2 {STRANGE}"}])

    monkeypatch.setattr(answer, "ask_once", ask_once)
    assert shown("ask", "what do I bring") == f"{STRANGE}\n  1 {STRANGE} · 2 {STRANGE}\n"


def test_a_refusal_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_once(*_: Any, **__: Any) -> Answer:
        raise KnowledgeError(STRANGE)

    monkeypatch.setattr(answer, "ask_once", ask_once)
    assert shown("ask", "what do I bring") == f"✗ {STRANGE}\n"


def test_what_came_of_every_document_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ingest(*_: Any, **__: Any) -> Ingested:
        trouble = {"notes": ((STRANGE, f"1 {STRANGE}"),), "failed": ((STRANGE, f"2 {STRANGE}"),)}
        return Ingested(replace(NOTHING, changed=(STRANGE,), skipped=(STRANGE,), **trouble), demo_removed=0)

    monkeypatch.setattr(ingesting, "ingest_documents", ingest)
    assert shown("ingest", "house").splitlines()[1:] == [
        f"  changed: {STRANGE}",
        f"  left out, no loader for this kind of file: {STRANGE}",
        f"! {STRANGE}: 1 {STRANGE}",
        f"✗ {STRANGE}: 2 {STRANGE}",
    ]


def test_names_of_keys_are_printed_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUARD_KEYS", str(tmp_path / "keys.db"))
    shown("keys", "create", STRANGE)
    assert STRANGE in shown("keys", "list")
    assert STRANGE in shown("keys", "revoke", STRANGE)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("conversations export --out /nowhere/all.jsonl", "✗ /nowhere/all.jsonl cannot be used: No such file"),
        ("conversations list --limit 0", "--limit"),
        ("conversations list --limit 99999999999999999999", "--limit"),
        ("conversations prune --older-than-days 1e12", "--older-than-days"),
        ("keys create shop --days 1e12", "--days"),
        ("keys create ''", "✗ a key needs a name"),
        ("ingest ''", "✗ one of the places is empty"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    command: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner(env={"COLUMNS": "300"}).invoke(app, shlex.split(command))
    assert isinstance(refused.exception, SystemExit) and refused.exit_code
    assert told in refused.output


def test_the_names_of_models_are_whole_on_a_terminal_of_80_columns() -> None:
    listed = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["models", "list"]).output
    first_column = "".join(line.split("│")[1].strip() for line in listed.splitlines() if line.startswith("│"))
    assert all(model.name in first_column for model in read_table())


def test_a_terminal_that_does_not_know_every_sign_gets_question_marks(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "agent", "knowledge", "show", "nothing"]
    told = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert told.stderr.startswith("? No document is called 'nothing'")
