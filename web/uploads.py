"""Documents that the owner uploads: received within limits under a harmless name, read in one after another."""

import asyncio
import itertools
import logging
import os
import re
import unicodedata
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self
from uuid import uuid4

from aiohttp import web

from .errors import BodyTooLarge, DoorError, InvalidRequest, NotKept, TooManyRequests, UnknownKind

logger = logging.getLogger(__name__)

Json = dict[str, Any]
State = Literal["waiting", "reading", "done", "failed"]

PIECE_BYTES = 64 * 1024
MAX_WAITING = 20
SHOWN = 30
"""So many uploads are shown; what failed stays longer than what was read in."""
MAX_NAME_BYTES = 200
"""File systems take 255, and a name has some more while its file arrives."""
_STRANGE = re.compile(r"[^\w .()+-]+")


class Library(Protocol):
    """The documents that answers rest on. Every method raises a `DoorError` that says what is wrong."""

    @property
    def folder(self) -> Path:
        """Where uploaded files are kept."""
        ...

    @property
    def suffixes(self) -> frozenset[str]:
        """The kinds of file that can be read, such as ".md"."""
        ...

    @property
    def max_bytes(self) -> int:
        """How large one may be."""
        ...

    async def documents(self) -> list[Json]: ...

    async def add(self, received: Path, name: str) -> Json:
        """Read a file in, and if that can be done keep it in the folder under this name, in the place of a former one.

        Tells what came of it: `outcome` (added, changed, unchanged or failed) and perhaps `reason`.
        """
        ...

    async def remove(self, doc_id: str) -> bool: ...

    async def search(self, query: str, *, title: str, source: str) -> Json: ...


@dataclass
class Upload:
    """One file on its way into the documents."""

    number: int
    name: str
    state: State = "waiting"
    result: Json = field(default_factory=dict[str, Any])


class Uploads:
    """Reads files in, one at a time, for as long as the context lasts."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._shown = deque[Upload]()
        self._numbers = itertools.count(1)
        self._queue = asyncio.Queue[tuple[Upload, Path]](MAX_WAITING)
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read_all(), name="read uploads")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        while not self._queue.empty():
            _drop(self._queue.get_nowait()[1])

    def check_room(self) -> None:
        """Raises `TooManyRequests` if so many files wait that another would have to be refused."""
        if self._queue.full():
            raise TooManyRequests("Other documents are still being read. Please wait a moment.", retry_after_s=5)

    def add(self, received: Path, name: str) -> Upload:
        """Have a received file read in; it is deleted if it cannot be. Raises `TooManyRequests`."""
        try:
            self.check_room()
        except TooManyRequests:
            _drop(received)
            raise
        upload = Upload(next(self._numbers), name)
        self._queue.put_nowait((upload, received))
        self._shown.appendleft(upload)
        if len(self._shown) > SHOWN:
            self._shown.remove(next((each for each in reversed(self._shown) if each.state == "done"), self._shown[-1]))
        return upload

    def described(self) -> list[Json]:
        """The newest uploads first, with what came of them."""
        return [
            {"number": each.number, "name": each.name, "state": each.state, "result": each.result}
            for each in self._shown
        ]

    async def _read_all(self) -> None:
        while True:
            upload, received = await self._queue.get()
            await self._read(upload, received)

    async def _read(self, upload: Upload, received: Path) -> None:
        upload.state = "reading"
        try:
            upload.result = await self.library.add(received, upload.name)
        except DoorError as error:
            upload.result = {"outcome": "failed", "reason": error.message}
        except OSError as error:  # no process or no memory for one: the next may find some
            logger.exception("a document was not read")
            upload.result = {"outcome": "failed", "reason": f"It could not be read in: {error.strerror or error}."}
        finally:
            _drop(received)
        upload.state = "failed" if upload.result["outcome"] == "failed" else "done"
        logger.info("a document was uploaded", extra={"outcome": upload.result["outcome"]})


UPLOADS = web.AppKey("uploads", Uploads)


async def receive(request: web.Request) -> web.Response:
    """PUT /admin/api/documents/{name}: take the file that is the body, and read it in afterwards."""
    uploads = request.app[UPLOADS]
    library = uploads.library
    name = safe_name(request.match_info["name"], suffixes=library.suffixes)
    uploads.check_room()
    if (request.content_length or 0) > library.max_bytes:
        raise too_large(library.max_bytes)
    upload = uploads.add(await _received(request, library.folder / name, max_bytes=library.max_bytes), name)
    return web.json_response({"number": upload.number, "name": upload.name}, status=202)


async def _received(request: web.Request, file: Path, *, max_bytes: int) -> Path:
    """The body as a hidden file beside `file`, of the same kind: it replaces that one once it is read in.

    Raises `NotKept` where the disk takes no more.
    """
    part = file.with_name(f".{uuid4().hex}{file.suffix}")
    is_whole = False
    try:
        await asyncio.to_thread(file.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        await _write(request, part, max_bytes=max_bytes)
        is_whole = True
    except (TimeoutError, ConnectionError):  # the line's, not the disk's
        raise
    except OSError as error:
        raise _not_kept(file, error) from error
    finally:
        if not is_whole:
            _drop(part)
    return part


def _drop(received: Path) -> None:
    with suppress(OSError):
        received.unlink(missing_ok=True)


async def _write(request: web.Request, part: Path, *, max_bytes: int) -> None:
    received_bytes = 0
    with part.open("wb") as output:
        async for piece in request.content.iter_chunked(PIECE_BYTES):
            received_bytes += len(piece)
            if received_bytes > max_bytes:
                raise too_large(max_bytes)
            await asyncio.to_thread(output.write, piece)
    if not received_bytes:
        raise InvalidRequest("The document is empty.")


def _not_kept(file: Path, error: OSError) -> NotKept:
    logger.error("an upload cannot be kept", extra={"errno": error.errno})
    reason = os.strerror(error.errno) if error.errno else str(error)
    way_out = "Make room there, or let Landline write there; KNOWLEDGE_UPLOADS names another folder."
    return NotKept(f"{file.name} cannot be kept in {file.parent}: {reason}. {way_out}")


def too_large(max_bytes: int) -> BodyTooLarge:
    """The refusal of a document that exceeds the limit."""
    return BodyTooLarge(f"The document is larger than {max_bytes / 1_000_000:.0f} MB.")


def safe_name(given: str, *, suffixes: frozenset[str]) -> str:
    """A file name without a path, control characters or a leading dot. Raises `InvalidRequest` or `UnknownKind`."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    name = Path(_STRANGE.sub("_", last).strip(" ."))
    if not name.stem.strip("_ .") or name.name.startswith("."):
        raise InvalidRequest("A document needs a file name.")
    suffix = name.suffix.lower()
    if suffix not in suffixes:
        raise UnknownKind(f"Documents of this kind cannot be read. These can: {', '.join(sorted(suffixes))}.")
    stem = name.stem.encode()[: MAX_NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return stem.rstrip() + suffix
