"""The standard models: the table of them, fetching them (resumed, verified), and checking what is on disk."""

import asyncio
import errno
import hashlib
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp

from agent.settings import ROOT, STARTER

TABLE = ROOT / "models" / "standard.toml"
BLOCK_BYTES = 1 << 20
STALL_S = 60.0

Kind = Literal["whisper", "llama", "voice", "embedder"]
Progress = Callable[[int], None]


class PullFailed(Exception):
    """A file could not be fetched; the message names it and says what to do. What arrived so far is kept."""


@dataclass(frozen=True)
class ModelFile:
    """One pinned file of a model. `path` is relative to the models folder."""

    path: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StandardModel:
    """One row of the table. `target` is what the setting named by `setting` must point to."""

    name: str
    kind: Kind
    licence: str
    memory_gb: int
    setting: str
    target: str
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


State = Literal["here", "missing", "partial", "damaged"]


def read_table(path: Path = TABLE) -> list[StandardModel]:
    """Every standard model, smallest of each kind first."""
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text())["model"]
    return [_model(dict(row)) for row in rows]


def _model(row: dict[str, Any]) -> StandardModel:
    files = tuple(ModelFile(**file) for file in row.pop("file"))
    return StandardModel(files=files, **row)


def starter_files(folder: Path = STARTER) -> list[tuple[ModelFile, Path]]:
    """The starter models' files as `models/starter/SHA256SUMS` pins them."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    pinned = [line.split(maxsplit=1) for line in lines if line]
    return [(ModelFile(path, "", _size_of(folder / path), sha256), folder) for sha256, path in pinned]


def choose(models: Iterable[StandardModel], *, memory_gb: float) -> list[StandardModel]:
    """Of each kind the largest that fits a machine with this much memory; the smallest if none does."""
    best: dict[Kind, StandardModel] = {}
    for model in sorted(models, key=lambda one: one.size):
        if model.kind not in best or model.memory_gb <= memory_gb:
            best[model.kind] = model
    return list(best.values())


def state_of(file: ModelFile, folder: Path, *, thoroughly: bool = False) -> State:
    """What is on disk of a file: by its size, or `thoroughly` by its sha256."""
    path = folder / file.path
    if not path.exists():
        return "partial" if _partial(path).exists() else "missing"
    if path.stat().st_size != file.size or (thoroughly and digest(path) != file.sha256):
        return "damaged"
    return "here"


def digest(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".part")


async def pull(models: Sequence[StandardModel], folder: Path, *, progress: Progress) -> None:
    """Fetch what is missing, one file after the other. `progress` gets the bytes that have newly arrived.

    Raises `PullFailed`. A second call goes on where the first one stopped.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=STALL_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for file in (file for model in models for file in model.files):
            if await asyncio.to_thread(state_of, file, folder, thoroughly=True) == "here":
                progress(file.size)
                continue
            try:
                await _fetch(http, file, folder / file.path, progress)
            except OSError as error:
                raise PullFailed(_explain(file, folder, error)) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                raise PullFailed(f"{file.url} stopped ({reason}); run `landline models pull` again to go on") from error


def _explain(file: ModelFile, folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"the disk of {folder} is full; free {file.size / 1e9:.1f} GB and run `landline models pull` again"
    return f"{file.path} could not be fetched ({error}); run `landline models pull` again to go on"


async def _fetch(http: aiohttp.ClientSession, file: ModelFile, path: Path, progress: Progress) -> None:
    partial = _partial(path)
    await asyncio.to_thread(partial.parent.mkdir, parents=True, exist_ok=True)
    have = await asyncio.to_thread(_size_of, partial)
    if have < file.size:
        await _download(http, file, partial, have, progress)
    else:
        progress(have)
    if await asyncio.to_thread(digest, partial) != file.sha256:
        partial.unlink()
        raise PullFailed(f"{file.url} is not the file that the table pins (its sha256 differs); nothing was kept of it")
    partial.replace(path)


async def _download(http: aiohttp.ClientSession, file: ModelFile, partial: Path, have: int, progress: Progress) -> None:
    headers = {"Range": f"bytes={have}-"} if have else {}
    async with http.get(file.url, headers=headers) as response:
        response.raise_for_status()
        resumed = response.status == 206
        if resumed:
            progress(have)
        with partial.open("ab" if resumed else "wb") as output:
            async for block in response.content.iter_chunked(BLOCK_BYTES):
                output.write(block)
                progress(len(block))


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
