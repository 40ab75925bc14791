"""`landline ingest` and `landline knowledge` as an owner runs them, on folders and on a real S3 server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.settings import ROOT
from tests.objectstore import ObjectStore, running_object_store
from tests.system import Landline

pytestmark = pytest.mark.e2e

WITHIN_S = 120.0
ALONE = "unix:/nowhere/engine.sock"
"""An engine that does not run: the command brings its own embedder."""
LAKE = (
    "The lake room number {} looks east over the water and costs {} euros a night with breakfast for two guests, who "
    "may use the rowing boats, the reading room and the garden at any time of the day, and who find towels, a kettle, "
    "a safe, a desk and a map of all the walks around the lake in the cupboard beside the door. "
)


@dataclass(frozen=True)
class Owner:
    """Somebody at a terminal in a folder, with settings."""

    folder: Path
    settings: dict[str, str]

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-m", "agent", *words],
            cwd=self.folder,
            env=environment | self.settings | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, code: int = 0, **settings: str) -> str:
        """What the command prints. It must end with `code`."""
        process = self.start(*words, **settings)
        printed, _ = process.communicate(timeout=WITHIN_S)
        assert process.returncode == code, printed
        return printed

    def read(self, *words: str, **settings: str) -> Any:
        """What the command prints as JSON."""
        return json.loads(self.run(*words, "--json", **settings))

    def ended(self, *processes: subprocess.Popen[str]) -> list[int]:
        """How these commands ended."""
        printed = [process.communicate(timeout=WITHIN_S)[0] for process in processes]
        assert all(printed)
        return [process.returncode for process in processes]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with running_object_store(tmp_path_factory.mktemp("store")) as running:
        for number in range(40):
            text = "".join(LAKE.format(number, 90 + number + extra) for extra in range(6))
            running.put(f"papers/house/{number:02}.md", f"# Lake room {number}\n\n{text}")
        yield running


@pytest.fixture
def owner(tmp_path: Path, store: ObjectStore, landline: Landline) -> Owner:
    return Owner(
        tmp_path, store.settings | {"KNOWLEDGE_URI": str(tmp_path / "index"), "ENGINE_URL": landline.engine_url}
    )


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text)
    return folder


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_hundred_chunks_come_from_a_prefix_into_an_index_in_the_store(owner: Owner, store: ObjectStore) -> None:
    store.put("papers/empty.md", "")
    store.files.create_dir("indexes")
    there = {"KNOWLEDGE_URI": "s3://indexes/house"}
    report = json.loads(owner.run("ingest", "s3://papers", "--json", code=1, **there))
    assert len(report["added"]) == 40
    assert report["chunks"] >= 100
    assert [source for source, _ in report["failed"]] == ["papers/empty.md"]
    assert len(owner.read("ingest", "s3://papers/house", **there)["unchanged"]) == 40
    numbers = owner.read("knowledge", "stats", **there)
    assert numbers["collections"][0]["chunks"] == report["chunks"]
    assert owner.read("knowledge", "verify", **there)["problems"] == []
    [best, *_] = owner.read("knowledge", "search", "what does lake room 17 cost", ENGINE_URL=ALONE, **there)
    assert best["source"].startswith("papers/house/")
    saved = owner.folder / "saved.zip"
    owner.run("knowledge", "backup", str(saved), **there)
    owner.run("knowledge", "restore", str(saved))
    assert owner.read("knowledge", "stats")["collections"] == numbers["collections"]
    assert owner.read("knowledge", "search", "what does lake room 17 cost", ENGINE_URL=ALONE)[0] == best
    only = ("--title", "Lake room 3", "--source", "papers/house/03.md")
    found = owner.read("knowledge", "search", "what does lake room 17 cost", *only, ENGINE_URL=ALONE)
    assert {passage["title"] for passage in found} == {"Lake room 3"}


@pytest.mark.parametrize("uri", ["index", "s3://together/index"])
def test_two_ingests_at_once_both_go_in_whole(owner: Owner, store: ObjectStore, uri: str) -> None:
    store.files.create_dir("together")
    folders = [write(owner.folder / side, **{f"p{n}": f"Paper {side} {n}." for n in range(8)}) for side in "ab"]
    running = [owner.start("ingest", str(folder), KNOWLEDGE_URI=uri) for folder in folders]
    assert owner.ended(*running) == [0, 0]
    assert len(owner.read("knowledge", "list", KNOWLEDGE_URI=uri)) == 16
    assert owner.read("knowledge", "verify", KNOWLEDGE_URI=uri)["problems"] == []


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(owner: Owner) -> None:
    count = 400
    folder = write(owner.folder / "papers", **{f"p{n:03}": f"# Paper {n}\n\n{LAKE.format(n, n)}" for n in range(count)})
    process = owner.start("ingest", str(folder))
    until(lambda: (owner.folder / "index" / "chunks.lance").exists() or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130, printed
    assert "the same command goes on" in printed
    kept = len(owner.read("knowledge", "list"))
    assert 0 < kept < count
    report = owner.read("ingest", str(folder))
    assert (len(report["unchanged"]), len(report["added"])) == (kept, count - kept)


def test_a_watched_folder_is_read_again_whenever_it_changes(owner: Owner) -> None:
    folder = write(owner.folder / "papers", hours="We open at nine.")
    process = owner.start("ingest", str(folder), "--watch")
    try:
        until(lambda: len(owner.read("knowledge", "list")) == 1)
        write(folder, pets="Dogs stay out.")
        until(lambda: len(owner.read("knowledge", "list")) == 2)
        (folder / "hours.md").unlink()
        until(lambda: [row["source"] for row in owner.read("knowledge", "list")] == ["papers/pets.md"])
    finally:
        process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=WITHIN_S)
    assert "Watching for changes" in printed
    assert process.returncode in (0, 130)


def test_documents_are_shown_and_removed_by_name(owner: Owner) -> None:
    folder = write(owner.folder / "papers", hours="We open at nine.", pets="Dogs stay out.")
    owner.run("ingest", str(folder))
    assert "We open at nine." in owner.run("knowledge", "show", "hours")
    assert "no document is called" in owner.run("knowledge", "show", "nothing", code=1).lower()
    owner.run("knowledge", "remove", "hours", "--yes")
    assert [row["title"] for row in owner.read("knowledge", "list")] == ["Pets"]
    owner.run("ingest", str(folder), "--collection", "staff")
    owner.run("knowledge", "remove", "--collection", "staff", "--yes")
    assert len(owner.read("knowledge", "list")) == 1
