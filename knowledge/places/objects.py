"""Objects of an S3-compatible store: all under a prefix, one by name, or those that match a pattern."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from knowledge.errors import DocumentMissing, NotFetched, OversizedDocument
from knowledge.places.item import Content, Item, Unchanged
from knowledge.places.patterns import compiled, fixed_root, is_pattern

_CONNECT_TIMEOUT_S = 5.0
_REQUEST_TIMEOUT_S = 60.0
_SETTLED_S = 2.0
"""Stores tell an object's time in seconds: one so young may be overwritten without a trace in the listing."""


@dataclass(frozen=True)
class S3Access:
    """How an object store is reached. Empty keys: those that AWS's own tools would use; empty endpoint: Amazon's."""

    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)

    @property
    def storage_options(self) -> dict[str, str]:
        """The same for LanceDB."""
        options = {
            "aws_endpoint": self.endpoint,
            "aws_region": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "allow_http": "true" if self.endpoint.startswith("http://") else "",
        }
        return {name: value for name, value in options.items() if value}

    def filesystem(self) -> Any:
        """The store as a file system of Arrow's."""
        from pyarrow.fs import S3FileSystem

        address = urlsplit(self.endpoint)
        return S3FileSystem(
            access_key=self.access_key or None,
            secret_key=self.secret_key or None,
            region=self.region or None,
            endpoint_override=address.netloc or None,
            scheme=address.scheme or "https",
            connect_timeout=_CONNECT_TIMEOUT_S,
            request_timeout=_REQUEST_TIMEOUT_S,
        )


class Objects:
    """`s3://bucket/prefix` with all below it; the prefix may be an object or a pattern."""

    def __init__(self, address: str, access: S3Access) -> None:
        self._address = address.rstrip("/")
        self._path = self._address.removeprefix("s3://")
        self._access = access

    def items(self) -> Iterator[Item]:
        root = PurePosixPath(fixed_root(self._path))
        found = [info for info in self._listed(str(root)) if self.covers(f"s3://{info.path}")]
        if not found:
            raise DocumentMissing(self._address)
        for info in sorted(found, key=lambda info: info.path):
            path = PurePosixPath(info.path)
            below = path.relative_to(root.parent) if path != root else PurePosixPath(path.name)
            if not any(name.startswith(".") for name in path.relative_to(root.parent).parts):
                yield self._item(info, source=str(below), is_named=path == root)

    def covers(self, origin: str) -> bool:
        path = origin.removeprefix("s3://")
        if path == origin:
            return False
        if is_pattern(self._path):
            return bool(compiled(self._path).fullmatch(path))
        return path == self._path or path.startswith(f"{self._path}/")

    def has_lost(self, origin: str) -> bool:
        """All that there is was listed."""
        return True

    @cached_property
    def _store(self) -> Any:
        return self._access.filesystem()

    def _listed(self, path: str) -> list[Any]:
        from pyarrow.fs import FileSelector, FileType

        try:
            [info] = self._store.get_file_info([path])
            if info.type is FileType.File:
                return [info]
            found = self._store.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
        except OSError as error:
            raise NotFetched(self._address, _reason(error)) from error
        return [info for info in found if info.type is FileType.File]

    def _item(self, info: Any, *, source: str, is_named: bool) -> Item:
        stamp = _stamp(info)

        def fetch(max_bytes: int, known: str = "") -> Content:
            if known and known == stamp:
                raise Unchanged
            if info.size > max_bytes:
                raise OversizedDocument(source, size_bytes=info.size, limit_bytes=max_bytes)
            try:
                with self._store.open_input_stream(info.path) as stream:
                    return Content(stream.read(), info.base_name, stamp)
            except OSError as error:
                raise NotFetched(source, _reason(error)) from error

        return Item(origin=f"s3://{info.path}", source=source, name=info.base_name, fetch=fetch, is_named=is_named)


def _stamp(info: Any) -> str:
    """Size and time of an object as they were listed; empty where they do not tell one version from another."""
    if info.mtime_ns is None or info.mtime_ns / 1e9 > time.time() - _SETTLED_S:
        return ""
    return f"{info.size} bytes at {info.mtime_ns} ns"


def _reason(error: OSError) -> str:
    return f"the object store refuses it ({' '.join(str(error).split())[:200]})"
