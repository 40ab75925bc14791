"""The routes behind the owner's page."""

import asyncio
import errno
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from yarl import URL

from web.admin import Admin
from web.config import GuardRules
from web.errors import DoorError, InvalidRequest, TooManyRequests, UnknownKind
from web.principals import Principal
from web.uploads import MAX_WAITING, SHOWN, Uploads, safe_name

from .conftest import Client, OpenDoor
from .guarded import FakeKeys
from .owner import Library, made_up

OWNERS_KEY = "ll_owner"
SUFFIXES = frozenset({".md", ".pdf"})


OWNERS_RULES = GuardRules(keys=FakeKeys({OWNERS_KEY: Principal("owner", frozenset({"admin"}))}))


async def open_to_owner(open_door: OpenDoor, admin: Admin, rules: GuardRules = OWNERS_RULES) -> Client:
    client = await open_door(admin=admin, guard=rules)
    client.session.headers["Authorization"] = f"Bearer {OWNERS_KEY}"
    return client


@pytest.fixture
async def owned(open_door: OpenDoor, tmp_path: Path) -> Client:
    (tmp_path / "admin.html").write_text("<!doctype html><title>Owner</title>")
    return await open_to_owner(open_door, made_up(tmp_path / "uploads"))


async def test_a_door_without_an_owner_has_no_such_page(door: Client) -> None:
    assert (await door.get("/admin")).status == 404
    assert (await door.get("/admin/api/now")).status == 404


async def test_the_page_is_strict_and_never_stale(owned: Client) -> None:
    response = await owned.get("/admin")
    assert response.status == 200
    assert "style-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-cache"


async def test_now_tells_calls_models_and_the_last_hours(owned: Client) -> None:
    response = await owned.get("/admin/api/now")
    body = await response.json()
    assert [call["id"] for call in body["calls"]] == ["call-abc", "call-of-a-phone", "conv-over-http"]
    assert body["models"]["status"] == "degraded"
    assert body["recent"]["minutes"]
    assert response.headers["Cache-Control"] == "no-store"


async def test_an_engine_that_is_away_is_said_so(owned: Client, open_door: OpenDoor, tmp_path: Path) -> None:
    admin = made_up(tmp_path)
    admin.observatory.is_away = True  # type: ignore[attr-defined]
    response = await (await open_to_owner(open_door, admin)).get("/admin/api/now")
    assert response.status == 503
    assert (await response.json())["error"]["code"] == "away"


async def test_conversations_come_page_by_page(owned: Client) -> None:
    first = await (await owned.get("/admin/api/conversations")).json()
    assert (len(first["conversations"]), first["more"]) == (30, True)
    last = first["conversations"][-1]["changed_at"]
    second = await (await owned.get("/admin/api/conversations", params={"before": last})).json()
    assert (len(second["conversations"]), second["more"]) == (10, False)


async def test_a_conversation_has_its_turns_and_sources(owned: Client) -> None:
    body = await (await owned.get("/admin/api/conversations/conv-39")).json()
    assert body["turns"][0]["sources"][0]["title"] == "Breakfast"
    assert (await owned.get("/admin/api/conversations/gone")).status == 404


async def uploads(owned: Client) -> list[dict[str, object]]:
    return (await (await owned.get("/admin/api/documents")).json())["uploads"]


async def settled(owned: Client) -> AsyncIterator[dict[str, object]]:
    """The newest upload until it is over."""
    async with asyncio.timeout(5):
        while (newest := (await uploads(owned))[0])["state"] in ("waiting", "reading"):
            await asyncio.sleep(0.01)
    yield newest


async def test_an_upload_is_kept_read_and_told(owned: Client, tmp_path: Path) -> None:
    response = await owned.put("/admin/api/documents/menu.md", data=b"# Menu")
    assert response.status == 202
    async for newest in settled(owned):
        assert (newest["name"], newest["state"]) == ("menu.md", "done")
        assert newest["result"] == {"outcome": "added", "chunks": 2, "reason": ""}
    assert (tmp_path / "uploads" / "menu.md").read_bytes() == b"# Menu"


async def test_what_cannot_be_read_says_why(owned: Client) -> None:
    await owned.put("/admin/api/documents/menu.md", data=b"broken")
    async for newest in settled(owned):
        assert (newest["state"], newest["result"]) == (
            "failed",
            {"outcome": "failed", "reason": "There is no text in it."},
        )


async def test_a_version_that_cannot_be_read_leaves_the_former_one(owned: Client, tmp_path: Path) -> None:
    for data, state in ((b"# Menu", "done"), (b"broken", "failed")):
        await owned.put("/admin/api/documents/menu.md", data=data)
        async for newest in settled(owned):
            assert newest["state"] == state
    [kept] = (tmp_path / "uploads").iterdir()
    assert (kept.name, kept.read_bytes()) == ("menu.md", b"# Menu")


async def test_versions_that_wait_for_each_other_are_read_in_turn(owned: Client, tmp_path: Path) -> None:
    versions = [b"# Menu", b"broken", b"# Menu of today"]
    await asyncio.gather(*(owned.put("/admin/api/documents/menu.md", data=data) for data in versions))
    async for _ in settled(owned):
        assert sorted(str(each["state"]) for each in await uploads(owned)) == ["done", "done", "failed"]
    [kept] = (tmp_path / "uploads").iterdir()
    assert b"Menu" in kept.read_bytes()


async def test_uploads_that_were_not_read_before_the_door_closed_leave_nothing(tmp_path: Path) -> None:
    class Slow(Library):
        async def add(self, received: Path, name: str) -> dict[str, object]:
            await asyncio.sleep(60)
            return await super().add(received, name)

    async with Uploads(Slow(tmp_path)) as uploads:
        for number in range(2):
            received = tmp_path / f".{number}.md"
            received.write_bytes(b"# Menu")
            uploads.add(received, "menu.md")
        await asyncio.sleep(0)
    assert not list(tmp_path.iterdir())


async def test_a_machine_that_starts_no_process_for_one_upload_reads_the_next(tmp_path: Path) -> None:
    class Exhausted(Library):
        async def add(self, received: Path, name: str) -> dict[str, object]:
            if name == "first.md":
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return await super().add(received, name)

    async with Uploads(Exhausted(tmp_path)) as uploads, asyncio.timeout(5):
        for name in ("first.md", "second.md"):
            received = tmp_path / f".{name}"
            received.write_bytes(b"# Menu")
            uploads.add(received, name)
        while {each["state"] for each in uploads.described()} & {"waiting", "reading"}:
            await asyncio.sleep(0)
    second, first = uploads.described()
    assert (second["state"], first["state"]) == ("done", "failed")
    assert first["result"]["reason"] == "It could not be read in: Resource temporarily unavailable."
    assert [file.name for file in tmp_path.iterdir()] == ["second.md"]


async def test_what_failed_is_shown_longer_than_what_was_read_in(tmp_path: Path) -> None:
    async with Uploads(Library(tmp_path)) as uploads, asyncio.timeout(5):
        for number in range(2 * SHOWN):
            received = tmp_path / f".{number}.md"
            received.write_bytes(b"broken" if number == 0 else b"# Menu")
            uploads.add(received, f"{number}.md")
            while {each["state"] for each in uploads.described()} & {"waiting", "reading"}:
                await asyncio.sleep(0)
        shown = uploads.described()
    assert len(shown) == SHOWN
    assert [each["name"] for each in shown if each["state"] == "failed"] == ["0.md"]


async def test_an_upload_for_which_there_is_no_room_leaves_nothing(tmp_path: Path) -> None:
    uploads = Uploads(Library(tmp_path))
    for number in range(MAX_WAITING):
        uploads.add(tmp_path / f".{number}.md", "menu.md")
    received = tmp_path / ".last.md"
    received.write_bytes(b"# Menu")
    with pytest.raises(TooManyRequests):
        uploads.add(received, "menu.md")
    assert not received.exists()


@pytest.mark.parametrize("is_honest", [True, False])
async def test_an_upload_that_is_too_large_leaves_nothing(owned: Client, tmp_path: Path, is_honest: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield bytes(500_000)

    data = io.BytesIO(bytes(Library.max_bytes + 1)) if is_honest else pieces()
    response = await owned.put("/admin/api/documents/large.md", data=data)
    assert response.status == 413
    assert not list((tmp_path / "uploads").glob("*"))
    assert await uploads(owned) == []


async def test_an_upload_that_comes_too_slowly_is_told_its_own_limit(open_door: OpenDoor, tmp_path: Path) -> None:
    rules = replace(OWNERS_RULES, body_timeout_s=0.1)
    owned = await open_to_owner(open_door, made_up(tmp_path / "uploads"), rules)

    async def pieces() -> AsyncIterator[bytes]:
        for pause_s in (0.2, 5):
            await asyncio.sleep(pause_s)
            yield bytes(16 * 1024)

    headers = {"Content-Length": str(32 * 1024)}
    response = await owned.put("/admin/api/documents/slow.md", data=pieces(), headers=headers)
    assert response.status == 408
    assert "within 1 s" in (await response.json())["error"]["message"]
    assert not list((tmp_path / "uploads").glob("*"))


@pytest.mark.parametrize("name", ["菜" * 97 + ".md", "x" * 300 + ".md"], ids=["three bytes each", "one byte each"])
async def test_a_file_with_a_long_name_is_kept(owned: Client, name: str) -> None:
    assert (await owned.put(f"/admin/api/documents/{name}", data=b"# Menu")).status == 202


@pytest.mark.parametrize("when", ["open", "write", "mkdir"])
async def test_a_disk_that_takes_no_more_is_named_with_the_way_out(
    owned: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "as the system says it")

    if when == "write":
        monkeypatch.setattr(
            Path, "open", lambda *_: Mock(__enter__=lambda _: Mock(write=full), __exit__=lambda *_: None)
        )
    else:
        monkeypatch.setattr(Path, when, full)
    response = await owned.put("/admin/api/documents/menu.md", data=b"# Menu")
    error = (await response.json())["error"]
    assert (response.status, error["code"]) == (507, "not_kept")
    for said in ("menu.md", str(tmp_path / "uploads"), "No space left", "Make room", "KNOWLEDGE_UPLOADS"):
        assert said in error["message"]


@pytest.mark.parametrize(
    ("name", "status"), [("program.exe", 415), ("..%2F..%2Fetc%2Fpasswd", 415), (".md", 415), ("_.md", 400)]
)
async def test_files_that_are_no_documents_are_refused(owned: Client, name: str, status: int) -> None:
    response = await owned.put(URL(f"/admin/api/documents/{name}", encoded=True), data=b"x")
    assert response.status == status


async def test_an_empty_document_is_refused(owned: Client) -> None:
    assert (await owned.put("/admin/api/documents/empty.md", data=b"")).status == 400


async def test_documents_are_removed_once(owned: Client) -> None:
    assert (await owned.delete("/admin/api/documents/d1")).status == 204
    assert (await owned.delete("/admin/api/documents/d1")).status == 404


async def test_a_search_shows_what_an_answer_would_rest_on(owned: Client) -> None:
    body = await (await owned.post("/admin/api/search", json={"query": "when is breakfast"})).json()
    assert body["passages"][0]["page"] == 3


@pytest.mark.parametrize(
    ("within", "number"),
    [({"title": "Breakfast"}, 1), ({"source": "breakfast.md"}, 1), ({"title": "House rules"}, 0), ({"source": "b"}, 0)],
)
async def test_a_search_is_narrowed_down_to_a_title_or_a_source(
    owned: Client, within: dict[str, str], number: int
) -> None:
    response = await owned.post("/admin/api/search", json={"query": "when is breakfast"} | within)
    assert len((await response.json())["passages"]) == number


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"query": " "}', '{"query": "x", "title": 1}', json.dumps({"query": "x" * 501})]
)
async def test_a_search_for_nothing_is_refused(owned: Client, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await owned.post("/admin/api/search", data=body, headers=headers)).status == 400


async def test_a_strangers_page_cannot_search_unasked(owned: Client) -> None:
    headers = {"Content-Type": "text/plain"}
    assert (await owned.post("/admin/api/search", data='{"query": "x"}', headers=headers)).status == 400


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("menu.md", "menu.md"),
        ("../../etc/menu.MD", "menu.md"),
        ("C:\\files\\price list.pdf", "price list.pdf"),
        ("..menu\x00\n.md", "menu_.md"),
        ("Speisekarte für Gäste (neu).md", "Speisekarte für Gäste (neu).md"),
        ("x" * 300 + ".md", "x" * 197 + ".md"),
        ("菜" * 97 + ".md", "菜" * 65 + ".md"),
    ],
)
def test_file_names_become_harmless(given: str, name: str) -> None:
    assert safe_name(given, suffixes=SUFFIXES) == name


@pytest.mark.parametrize(("given", "refusal"), [("", InvalidRequest), ("..", InvalidRequest), ("_.md", InvalidRequest),
    ("/.md", UnknownKind), ("a.exe", UnknownKind), ("menu", UnknownKind)])  # fmt: skip
def test_some_names_are_none(given: str, refusal: type[DoorError]) -> None:
    with pytest.raises(refusal):
        safe_name(given, suffixes=SUFFIXES)
