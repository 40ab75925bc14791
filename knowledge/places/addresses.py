"""Web pages that the owner listed, one by one. Nothing that they link to is fetched."""

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

from knowledge.documents import is_supported
from knowledge.errors import NotFetched, OversizedDocument
from knowledge.places.folders import Folder
from knowledge.places.item import Content, Item, Unchanged, is_local

_TIMEOUT_S = 30.0
_MAX_FETCH_S = 300.0
_PIECE_BYTES = 65_536
_MAX_LIST_BYTES = 1_000_000
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/pdf": ".pdf",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}


def listed_addresses(path: Path) -> tuple[str, ...] | None:
    """The addresses in a file that holds nothing else, one a line; `#` begins a comment. () for any other path.

    None for what cannot be read as such a list: it may be one.
    """
    try:
        if not path.is_file():
            return ()
        if path.stat().st_size > _MAX_LIST_BYTES:
            return None
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    words = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return tuple(dict.fromkeys(words)) if words and all(map(_ADDRESS.fullmatch, words)) else ()


class Address:
    """One web page or file."""

    def __init__(self, address: str) -> None:
        self._address = address

    def items(self) -> Iterator[Item]:
        yield _item(self._address, origin=self._address)

    def covers(self, origin: str) -> bool:
        return origin == self._address

    def has_lost(self, origin: str) -> bool:
        """A server that does not answer today may tomorrow."""
        return False


class AddressList:
    """Pages named in a file, one at least. A page that leaves the list leaves the index."""

    def __init__(self, path: Path, addresses: Sequence[str]) -> None:
        self._prefix = _prefix(path)
        self._addresses = addresses

    def items(self) -> Iterator[Item]:
        for address in self._addresses:
            yield _item(address, origin=f"{self._prefix}{address}")

    def covers(self, origin: str) -> bool:
        return origin.startswith(self._prefix)

    def has_lost(self, origin: str) -> bool:
        return origin.removeprefix(self._prefix) not in self._addresses


class NoList(Folder):
    """A file or folder that names no pages. Those that it named when it was a list are lost."""

    def covers(self, origin: str) -> bool:
        return origin.startswith(_prefix(self.path)) or super().covers(origin)

    def has_lost(self, origin: str) -> bool:
        return not is_local(origin) or super().has_lost(origin)


def _prefix(path: Path) -> str:
    """How the origins of a list's pages begin."""
    return f"{path.as_posix()}#"


def _item(address: str, *, origin: str) -> Item:
    def fetch(max_bytes: int, known: str = "") -> Content:
        return _fetch(address, max_bytes=max_bytes, known=known)

    return Item(origin=origin, source=address, name="page.html", fetch=fetch, is_named=True)


def _fetch(address: str, *, max_bytes: int, known: str = "") -> Content:
    conditions: dict[str, str] = json.loads(known) if known else {}
    request = urllib.request.Request(address, headers={"User-Agent": "landline-ingest", **conditions})
    try:
        with urllib.request.build_opener(_SameHost).open(request, timeout=_TIMEOUT_S) as response:
            data = _read(response, max_bytes=max_bytes)
            headers = cast(Message, response.headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if known and isinstance(error, urllib.error.HTTPError) and error.code == http.HTTPStatus.NOT_MODIFIED:
            raise Unchanged from error
        raise NotFetched(address, _reason(error)) from error
    if len(data) > max_bytes:
        raise OversizedDocument(address, size_bytes=len(data), limit_bytes=max_bytes)
    return Content(data, _name(address, headers.get_content_type()), _stamp(headers))


def _stamp(headers: Message) -> str:
    """The headers that ask for a page only if it is another one by now; empty if its server gives nothing to go by."""
    given = {"If-None-Match": headers["ETag"], "If-Modified-Since": headers["Last-Modified"]}
    conditions = {name: value for name, value in given.items() if value}
    return json.dumps(conditions) if conditions else ""


def _read(response: http.client.HTTPResponse, *, max_bytes: int) -> bytes:
    """The body, a piece too long at most, however slowly it comes.

    Raises `TimeoutError` if that takes too long, and `IncompleteRead` if the server announced more than came.
    """
    deadline = time.monotonic() + _MAX_FETCH_S
    data = bytearray()
    while len(data) <= max_bytes and (piece := response.read1(_PIECE_BYTES)):
        data += piece
        if time.monotonic() > deadline:
            raise TimeoutError
    if response.length and len(data) <= max_bytes:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(data)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a page that moved on its own server, and nothing else: only what the owner listed is fetched."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if _host(newurl) != _host(req.full_url):
            raise ValueError(f"it sends on to {newurl}; put that address in if you want it")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").removeprefix("www.")


def _name(address: str, content_type: str) -> str:
    """A file name for the page, with the ending of its kind."""
    name = unquote(PurePosixPath(urlsplit(address).path).name) or (urlsplit(address).hostname or "page")
    ending = _ENDINGS.get(content_type)
    if ending is None or (content_type == "text/plain" and is_supported(name)):
        return name
    return f"{PurePosixPath(name).stem}{ending}"


def _reason(error: Exception) -> str:
    match error:
        case urllib.error.HTTPError():
            return f"its server answers {error.code} {error.reason}"
        case urllib.error.URLError():
            return f"its server cannot be reached ({error.reason})"
        case TimeoutError():
            return "its server does not answer in time"
        case http.client.IncompleteRead():
            return "it broke off on its way"
        case _:
            return " ".join(str(error).split())[:200] or type(error).__name__
