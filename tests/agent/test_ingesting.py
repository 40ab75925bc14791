"""Which places can be watched, and what counts as a change in them."""

import asyncio
from pathlib import Path

from agent.ingesting import begun, folder_changes, unwatchable


def test_only_what_lies_on_this_machine_can_be_watched(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("We open at nine.")
    here = [tmp_path, tmp_path / "a.md", tmp_path / "*.md", tmp_path / "**" / "*.pdf"]
    elsewhere = ["s3://bucket/papers", "https://example.org/a", str(tmp_path / "gone" / "deep")]
    assert unwatchable([*here, *elsewhere]) == elsewhere


async def test_a_change_is_told(tmp_path: Path) -> None:
    stop = asyncio.Event()

    async def write_until_told() -> None:
        while not stop.is_set():
            (tmp_path / "a.md").write_text("We open at nine.")
            await asyncio.sleep(0.05)

    writing = asyncio.create_task(write_until_told())
    async for _ in folder_changes([tmp_path], stop):
        stop.set()
    await writing


async def test_what_changes_before_anybody_asks_is_told(tmp_path: Path) -> None:
    stop = asyncio.Event()
    changes = await begun(folder_changes([tmp_path], stop))
    async with asyncio.timeout(20):
        for name in ("first.md", "second.md"):
            (tmp_path / name).write_text("We open at nine.")
            await asyncio.sleep(0)
            await anext(changes)
    stop.set()
    assert [change async for change in changes] == []


async def test_what_is_ignored_is_never_told(tmp_path: Path) -> None:
    (tmp_path / "chunks.lance").mkdir()
    stop = asyncio.Event()

    async def meddle() -> None:
        for number in range(10):
            (tmp_path / "chunks.lance" / str(number)).write_text("x")
            (tmp_path / ".hidden.md").write_text(str(number))
            await asyncio.sleep(0.05)
        stop.set()

    meddling = asyncio.create_task(meddle())
    assert [change async for change in folder_changes([tmp_path], stop)] == []
    await meddling
