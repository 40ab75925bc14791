"""The model store against a real HTTP server on loopback: resumed, verified, chosen for the machine."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agent.model_store import ModelFile, PullFailed, StandardModel, choose, pull, read_table, state_of

CONTENT = os.urandom(3_000_000)
Served = tuple[str, list[str]]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A file server's address, and the Range headers that it was sent."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "model.bin").write_bytes(CONTENT)
    ranges: list[str] = []

    async def give(request: web.Request) -> web.StreamResponse:
        ranges.append(request.headers.get("Range", ""))
        return web.FileResponse(tmp_path / "served" / request.match_info["name"])

    app = web.Application()
    app.router.add_get("/{name}", give)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), ranges


def model(url: str, *, sha256: str = hashlib.sha256(CONTENT).hexdigest(), path: str = "model.bin") -> StandardModel:
    file = ModelFile(path, url + path, len(CONTENT), sha256)
    return StandardModel("test", "llama", "MIT", 1, "MODELS_LLAMA", path, (file,))


async def test_a_model_is_fetched_and_found_in_order(served: Served, tmp_path: Path) -> None:
    arrived: list[int] = []
    wanted = model(served[0])
    await pull([wanted], tmp_path, progress=arrived.append)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert sum(arrived) == len(CONTENT)
    assert state_of(wanted.files[0], tmp_path, thoroughly=True) == "here"


async def test_a_stopped_download_goes_on_where_it_stopped(served: Served, tmp_path: Path) -> None:
    (tmp_path / "model.bin.part").write_bytes(CONTENT[:1_000_000])
    wanted = model(served[0])
    assert state_of(wanted.files[0], tmp_path) == "partial"
    await pull([wanted], tmp_path, progress=lambda _: None)
    assert served[1] == ["bytes=1000000-"]
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


async def test_what_is_already_here_is_not_fetched_again(served: Served, tmp_path: Path) -> None:
    wanted = model(served[0])
    for _ in range(2):
        await pull([wanted], tmp_path, progress=lambda _: None)
    assert len(served[1]) == 1


async def test_a_damaged_file_is_fetched_again(served: Served, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    wanted = model(served[0])
    assert state_of(wanted.files[0], tmp_path, thoroughly=True) == "damaged"
    await pull([wanted], tmp_path, progress=lambda _: None)
    assert state_of(wanted.files[0], tmp_path, thoroughly=True) == "here"


async def test_a_file_that_is_not_the_pinned_one_is_refused_and_not_kept(served: Served, tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="sha256 differs"):
        await pull([model(served[0], sha256="0" * 64)], tmp_path, progress=lambda _: None)
    assert list(tmp_path.glob("model.bin*")) == []


async def test_an_absent_file_is_named(served: Served, tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match=r"other\.bin stopped \(404"):
        await pull([model(served[0], path="other.bin")], tmp_path, progress=lambda _: None)


async def test_a_dead_server_is_named(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="landline models pull"):
        await pull([model("http://127.0.0.1:9/")], tmp_path, progress=lambda _: None)


def test_the_largest_model_that_fits_the_machine_is_chosen() -> None:
    names = {model.name for model in choose(read_table(), memory_gb=6)}
    assert "qwen2.5-0.5b-instruct-q4" in names
    assert "qwen2.5-1.5b-instruct-q4" in {model.name for model in choose(read_table(), memory_gb=32)}


def test_every_row_of_the_table_is_pinned() -> None:
    for row in read_table():
        assert row.licence and row.files
        assert row.target.split("/")[0] in {file.path.split("/")[0] for file in row.files}
        for file in row.files:
            assert len(file.sha256) == 64 and file.size > 0 and file.url.startswith("https://")
