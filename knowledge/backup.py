"""A whole index in one file, and back: a ZIP of two Parquet tables, readable by other programs too."""

import errno
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knowledge.errors import BackupUnusable, KnowledgeError, StorageFull
from knowledge.index import Index
from knowledge.tables import CHUNKS, LAYOUT, SENTENCES

_ABOUT = "about.json"
_TABLES = (SENTENCES, CHUNKS)
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class About:
    """What a backup says of itself."""

    layout: str
    embedder: str
    dim: int
    created_at: str
    chunks: int
    sentences: int


def back_up(index: Index, path: Path, *, wait_s: float) -> About:
    """Write the index to `path`, which appears only when it is complete, in the place of an older backup if need be.

    Raises `KnowledgeError` if any other file lies there, `StorageFull`, `IndexLocked`.
    """
    if path.exists() and not _is_backup(path):
        raise KnowledgeError(f"{path} is there already and no backup; name another file, or remove that one first.")
    partial = path.with_name(f"{path.name}.part")
    try:
        with index.writing(wait_s=wait_s):
            about = _write(index, partial)
        os.replace(partial, path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(str(path)) from error
        raise KnowledgeError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return about


def _is_backup(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return _ABOUT in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_about(path: Path) -> About:
    """What is in a backup, every byte of it checked. Raises `BackupUnusable`."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged:
                raise BackupUnusable(path, f"{damaged} in it is damaged")
            about = About(**json.loads(archive.read(_ABOUT)))
    except FileNotFoundError as error:
        raise BackupUnusable(path, "there is no such file") from error
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise BackupUnusable(path, "it is no backup of an index, or a damaged one") from error
    if about.layout != LAYOUT:
        raise BackupUnusable(
            path, "another version of this program wrote it; restore it with that one, then update and reembed"
        )
    return about


def restore(path: Path, index_of: Callable[[About], Index], *, replace: bool, wait_s: float) -> About:
    """Put a backup in the place of the index that `index_of` opens for its embedding model.

    An index that holds documents is refused unless `replace`. Raises `BackupUnusable`, `KnowledgeError`, `StorageFull`.
    """
    about = read_about(path)
    index = index_of(about)
    with index.writing(wait_s=wait_s):
        there = 0 if replace else len(index.documents())
        if there:
            raise KnowledgeError(f"{index.uri} holds {there} documents; --replace puts the backup in their place.")
        with zipfile.ZipFile(path) as archive:
            index.become(lambda table: _rows(archive, table))
        index.optimize()
    return about


def _write(index: Index, path: Path) -> About:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        counts = {table: _write_table(archive, table, index) for table in _TABLES}
        about = About(
            layout=LAYOUT,
            embedder=index.embedder_name,
            dim=index.dim,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            **counts,
        )
        archive.writestr(_ABOUT, json.dumps(asdict(about), indent=1))
    return about


def _write_table(archive: zipfile.ZipFile, table: str, index: Index) -> int:
    from pyarrow.parquet import ParquetWriter

    count, writer = 0, None
    with archive.open(f"{table}.parquet", "w", force_zip64=True) as entry:
        for batch in index.rows(table):
            writer = writer or ParquetWriter(entry, batch.schema, compression="zstd")
            writer.write_batch(batch)
            count += batch.num_rows
        if writer:
            writer.close()
    return count


def _rows(archive: zipfile.ZipFile, table: str) -> Iterator[Any]:
    from pyarrow.parquet import ParquetFile

    with archive.open(f"{table}.parquet") as entry:
        if archive.getinfo(f"{table}.parquet").file_size:
            yield from ParquetFile(entry).iter_batches(batch_size=_BATCH_ROWS)
