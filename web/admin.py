"""The owner's page at /admin and the routes behind it. Whoever composes the door says where their answers come from.

    GET    /admin/api/now                    running calls with their turns, the models, the last hours
    GET    /admin/api/conversations          newest first; ?before=MOMENT goes on
    GET    /admin/api/conversations/{id}     one with its turns and their sources
    GET    /admin/api/documents              what answers rest on, and what was uploaded lately
    PUT    /admin/api/documents/{name}       a new document, or another version of one
    DELETE /admin/api/documents/{id}
    POST   /admin/api/search                 {"query": …}: what an answer to this would rest on; "title" and "source"
                                             leave out other documents

Whether somebody may use them is decided before they are reached.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from aiohttp import web
from pydantic import BaseModel, StringConstraints, ValidationError

from .api.chat_shapes import Origin, Title
from .errors import InvalidRequest, NotFound
from .pages import page_file
from .uploads import UPLOADS, Library, Uploads, receive

Json = dict[str, Any]

PAGE_SIZE = 30
MAX_QUERY_CHARS = 500


class Observatory(Protocol):
    """What is happening. Every method raises `Away` if nobody knows."""

    async def calls(self) -> list[Json]: ...

    async def models(self) -> Json: ...

    async def recent(self) -> Json: ...


class Archive(Protocol):
    """The conversations that are kept. Every method raises `Away` if their database is."""

    async def newest(self, *, limit: int, before: str) -> list[Json]: ...

    async def one(self, conversation_id: str) -> Json | None: ...


@dataclass(frozen=True, kw_only=True)
class Admin:
    """Where the owner's page gets its answers."""

    observatory: Observatory
    archive: Archive
    library: Library


class Search(BaseModel):
    """A caller's question, and where to look for what answers it; an empty `title` or `source` leaves out nothing."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS)]
    title: Title = ""
    source: Origin = ""


ADMIN = web.AppKey("admin", Admin)


def add_admin(app: web.Application, admin: Admin) -> None:
    """Serve the owner's page and its routes."""
    app[ADMIN] = admin
    app.cleanup_ctx.append(_receive_uploads)
    app.add_routes(
        [
            web.get("/admin", show_page),
            web.get("/admin/api/now", show_now),
            web.get("/admin/api/conversations", list_conversations),
            web.get("/admin/api/conversations/{id}", show_conversation),
            web.get("/admin/api/documents", list_documents),
            web.put("/admin/api/documents/{name}", receive),
            web.delete("/admin/api/documents/{id}", remove_document),
            web.post("/admin/api/search", search),
        ]
    )


async def _receive_uploads(app: web.Application) -> AsyncIterator[None]:
    library = app[ADMIN].library
    await asyncio.to_thread(lambda: library.suffixes)  # what can be read takes a moment to find out, once
    async with Uploads(library) as app[UPLOADS]:
        yield


async def show_page(request: web.Request) -> web.StreamResponse:
    """GET /admin: the owner's page; it asks for the key itself and shows nothing without."""
    return page_file(request, "admin.html")


async def show_now(request: web.Request) -> web.Response:
    """GET /admin/api/now"""
    observatory = request.app[ADMIN].observatory
    calls, models, recent = await asyncio.gather(observatory.calls(), observatory.models(), observatory.recent())
    return web.json_response({"calls": calls, "models": models, "recent": recent})


async def list_conversations(request: web.Request) -> web.Response:
    """GET /admin/api/conversations"""
    archive = request.app[ADMIN].archive
    newest = await archive.newest(limit=PAGE_SIZE + 1, before=request.query.get("before", ""))
    return web.json_response({"conversations": newest[:PAGE_SIZE], "more": len(newest) > PAGE_SIZE})


async def show_conversation(request: web.Request) -> web.Response:
    """GET /admin/api/conversations/{id}"""
    conversation = await request.app[ADMIN].archive.one(request.match_info["id"])
    if conversation is None:
        raise NotFound("There is no such conversation any more.")
    return web.json_response(conversation)


async def list_documents(request: web.Request) -> web.Response:
    """GET /admin/api/documents"""
    library = request.app[ADMIN].library
    documents = await library.documents()
    body: Json = {"documents": documents, "uploads": request.app[UPLOADS].described()}
    body |= {"suffixes": sorted(library.suffixes), "max_bytes": library.max_bytes}
    return web.json_response(body)


async def remove_document(request: web.Request) -> web.Response:
    """DELETE /admin/api/documents/{id}"""
    if not await request.app[ADMIN].library.remove(request.match_info["id"]):
        raise NotFound("There is no such document any more.")
    return web.Response(status=204)


async def search(request: web.Request) -> web.Response:
    """POST /admin/api/search"""
    if request.content_type != "application/json":  # a page of somebody else's could send any other type unasked
        raise InvalidRequest("The body must be JSON.")
    try:
        wanted = Search.model_validate_json(await request.read())
    except ValidationError as error:
        shape = '{"query": "when is breakfast", "title": "", "source": ""}'
        limit = f"a question has 1 to {MAX_QUERY_CHARS} characters"
        raise InvalidRequest(f"The body is JSON like {shape}; {limit}.") from error
    library = request.app[ADMIN].library
    return web.json_response(await library.search(wanted.query, title=wanted.title, source=wanted.source))
