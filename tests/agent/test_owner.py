"""What the owner's page is told, and how documents are changed for it."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from agent.conversations.recordings import Recordings
from agent.conversations.store import Conversations
from agent.conversations.turns import Source, Turn
from agent.database import Database
from agent.librarian import outcome
from agent.owner import ConversationArchive, IndexLibrary, engine_errors, known_suffixes
from agent.settings import Settings
from agent.upkeep import search_passages
from knowledge.report import Report
from plugins.errors import EngineUnavailable, InvalidRequest, ModelError
from web import errors


def report(**told: object) -> Report:
    nothing = {"added": (), "changed": (), "unchanged": (), "removed": (), "failed": (), "skipped": ()}
    return Report(**(nothing | told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"added": ("a.md",)}, {"outcome": "added", "reason": ""}),
        ({"unchanged": ("a.md",)}, {"outcome": "unchanged", "reason": ""}),
        ({"changed": ("a.pdf",), "notes": (("a.pdf", "page 2 is a picture"),)},
            {"outcome": "changed", "reason": "page 2 is a picture"}),
        ({"failed": (("a.pdf", "it is locked"),)}, {"outcome": "failed", "reason": "it is locked"}),
        ({"skipped": ("a.exe",)}, {"outcome": "failed", "reason": "This kind of file cannot be read."}),
    ],
)  # fmt: skip
def test_an_upload_is_told_in_one_outcome(told: dict[str, object], expected: dict[str, str]) -> None:
    assert outcome(report(**told)) == expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EngineUnavailable("gone"), errors.Away),
        (ModelError("broken"), errors.Away),
        (InvalidRequest("what"), errors.InvalidRequest),
    ],
)
def test_the_engines_errors_become_the_doors(error: Exception, kind: type[errors.DoorError]) -> None:
    with pytest.raises(kind), engine_errors():
        raise error


def test_what_can_be_uploaded_is_what_can_be_read() -> None:
    assert {".md", ".pdf", ".docx"} <= known_suffixes()


async def test_kept_conversations_are_shown_with_their_sources(tmp_path: Path) -> None:
    conversations = Conversations(Database(str(tmp_path / "kept.db")), recordings=Recordings(tmp_path))
    try:
        known = await conversations.begin(None, door="voice")
        source = Source("Breakfast", "breakfast.md", "From seven.", 0.9)
        at = datetime(2026, 1, 2, 10, 0, tzinfo=UTC)
        await conversations.add(known, Turn("voice", "when", "From seven.", "From", True, (source,), at=at))
        archive = ConversationArchive(conversations)
        [summary] = await archive.newest(limit=10, before="")
        assert (summary["id"], summary["turns"], tuple(summary["doors"])) == (known, 1, ("voice",))
        assert await archive.newest(limit=10, before="2026-01-01T00:00:00+00:00") == []
        kept = await archive.one(known)
        assert kept and kept["turns"][0]["sources"][0]["title"] == "Breakfast"
        assert await archive.one("conv-1") is None
        with pytest.raises(errors.InvalidRequest):
            await archive.newest(limit=10, before="yesterday")
    finally:
        await conversations.aclose()


async def test_a_librarian_that_dies_leaves_the_former_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.owner.LIBRARIAN", (sys.executable, "-c", "raise SystemExit(1)"))
    monkeypatch.setenv("KNOWLEDGE_UPLOADS", str(tmp_path))
    (tmp_path / "menu.md").write_text("Soup of the day.")
    (tmp_path / ".received.md").write_text("Salad of the day.")
    assert (await IndexLibrary(Settings()).add(tmp_path / ".received.md", "menu.md"))["outcome"] == "failed"
    assert (tmp_path / "menu.md").read_text() == "Soup of the day."


async def test_what_the_owner_tries_out_is_narrowed_down_like_a_callers_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    async def retrieve(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"passages": []})

    app = web.Application()
    app.router.add_post("/v1/retrieve", retrieve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(tmp_path / "engine.sock")).start()
        monkeypatch.setenv("ENGINE_URL", f"unix:{tmp_path}/engine.sock")
        settings = Settings()
        await IndexLibrary(settings).search("when", title="Menu", source="menu.md")
        await search_passages(settings, "when", k=3, collection="house", title="Menu", source="menu.md")
    finally:
        await runner.cleanup()
    assert [(each["collection"], each["title"], each["source"]) for each in asked] == [
        ("default", "Menu", "menu.md"),
        ("house", "Menu", "menu.md"),
    ]
