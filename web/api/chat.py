"""POST /v1/chat/completions and GET /v1/models: any OpenAI client talks with the agent."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from aiohttp import web

from .backend import Piece
from .bodies import read_json
from .chat_shapes import ChatRequest, Chunks
from .events import reply_in_events
from .keys import AGENT

Json = dict[str, Any]


async def complete_chat(request: web.Request) -> web.StreamResponse:
    """Answer once or in a stream; closing the connection stops the model."""
    body = await read_json(request, ChatRequest)
    pieces = request.app[AGENT].answer(body.chat())
    chunks = Chunks(body.model or "landline")
    if body.stream:
        wants_usage = body.stream_options is not None and body.stream_options.include_usage
        return await reply_in_events(request, _chunks(chunks, pieces, wants_usage=wants_usage))
    async with aclosing(pieces):
        return web.json_response(chunks.completion(await whole(pieces)))


async def whole(pieces: AsyncIterator[Piece]) -> Piece:
    """An answer's pieces as one."""
    text, calls, last = "", list[Json](), Piece()
    async for piece in pieces:
        text += piece.text
        calls += piece.tool_calls
        last = piece
    return replace(last, text=text, tool_calls=calls)


async def _chunks(chunks: Chunks, pieces: AsyncGenerator[Piece], *, wants_usage: bool) -> AsyncGenerator[Json]:
    last = Piece()
    async with aclosing(pieces):
        async for piece in pieces:
            last = piece
            for chunk in chunks.chunks(piece):
                yield chunk
    if wants_usage:
        yield chunks.usage(last)
