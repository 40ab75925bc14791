"""What `landline doctor` says of the owner's data, and the way out where it cannot be used."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from agent.doctor import Finding, examine
from agent.index import index_of
from agent.keys import KeyStore
from agent.settings import Settings
from knowledge.ingest import ingest


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings()


def found(settings: Settings, subject: str) -> Finding:
    return next(finding for finding in examine(settings) if finding.subject == subject)


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize(("ours", "way_out"), [("0", "Update this program"), ("99", "landline knowledge reembed")])
def test_an_index_of_another_layout_is_named_with_the_way_out(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: str, way_out: str
) -> None:
    (tmp_path / "a.md").write_text("# Breakfast\n\nBreakfast is served from seven in the garden room.\n")
    index = index_of(settings, embedder="small", dim=2)
    ingest([tmp_path / "a.md"], index, lambda texts: np.ones((len(texts), 2), dtype=np.float32))
    assert found(settings, "Documents").state.startswith("1 indexed")
    monkeypatch.setattr("knowledge.index.LAYOUT", ours)
    documents = found(settings, "Documents")
    assert not documents.is_fine and way_out in documents.remedy


def test_a_newer_programs_conversations_are_named_with_the_way_out(settings: Settings) -> None:
    assert found(settings, "Conversations").is_fine
    file = Path(settings.conversations.database.get_secret_value())
    file.parent.mkdir(parents=True)
    file.touch()
    assert found(settings, "Conversations").is_fine
    change(file, "UPDATE landline_schema SET version = 999")
    conversations = found(settings, "Conversations")
    assert str(file) in conversations.remedy and "newer Landline" in conversations.remedy


def test_the_way_to_the_owners_page_is_told(settings: Settings) -> None:
    page = f"{settings.page}/admin"
    assert f"{page}, with a key" in found(settings, "Owner's page").state
    KeyStore(settings.guard.keys).create("shop", ["chat"])
    assert f"{page}, with a key" in found(settings, "Owner's page").state
    assert "landline keys create owner --scope admin" in found(settings, "Owner's page").state
    change(settings.guard.keys, "PRAGMA user_version = 999")
    assert "newer Landline" in found(settings, "Owner's page").remedy
