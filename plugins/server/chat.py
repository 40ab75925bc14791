"""POST /v1/chat/completions: OpenAI's chat, answered by the shared LLM."""

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import aclosing, contextmanager
from itertools import count
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from plugins.correlation import Door, door
from plugins.errors import EngineError
from plugins.llama.model import Delta, Generation, Priority, ToolCall, Usage
from plugins.server.answers import again, full_key
from plugins.server.keys import ENGINE
from plugins.server.metrics import CALLS, LLM, LLM_AHEAD, Measured
from plugins.server.replies import EventStream, Json, read_body
from plugins.server.writing import Fallback, Writing

DEFAULT_MAX_TOKENS = 512
OPENAI_FIELDS = {"messages", "tools", "tool_choice", "temperature", "top_p", "seed", "stop"}


class StreamOptions(BaseModel):
    include_usage: bool = False


class ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: Json | None = None


class ChatRequest(BaseModel):
    """The fields of OpenAI's chat request that a local model can honour, and ours: `call_id`, `grammar`, `cache_key`,
    `fallback`.

    `max_tokens` 0 reads the prompt ahead of the request that will want its answer. `cache_key` says that every request
    with the same one may be given the same answer.
    """

    messages: list[Json] = Field(min_length=1)
    model: str = ""
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    tools: list[Json] | None = None
    tool_choice: Any = None
    response_format: ResponseFormat = ResponseFormat()
    max_tokens: int | None = Field(default=None, ge=0)
    max_completion_tokens: int | None = Field(default=None, ge=0)
    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    n: Literal[1] = 1
    call_id: str | None = None
    grammar: str | None = None
    cache_key: str | None = Field(default=None, max_length=200)
    fallback: Fallback | None = None

    def generation(self, *, default_tokens: int, through: Door | None = None) -> Generation:
        """What the model is asked to do, for somebody who came `through` a door."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        wanted = (self.max_completion_tokens, self.max_tokens, default_tokens)
        max_tokens = next(tokens for tokens in wanted if tokens is not None)
        return Generation(
            messages=self.messages,
            tools=self.tools,
            tool_choice=self.tool_choice,
            grammar=self.grammar,
            json_schema=self._schema(),
            max_tokens=max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            stop=stop,
            call_id=self.call_id,
            priority=_urgency(through) if max_tokens else Priority.SPECULATIVE,
        )

    def outside(self, generation: Generation) -> Json:
        """The request for another server, in OpenAI's fields alone."""
        request = self.model_dump(include=OPENAI_FIELDS, exclude_none=True)
        if self.response_format.type != "text":
            request["response_format"] = self.response_format.model_dump(exclude_none=True)
        return request | {"max_tokens": generation.max_tokens}

    def _schema(self) -> Json | None:
        match self.response_format.type:
            case "json_schema":
                return (self.response_format.json_schema or {}).get("schema") or {}
            case "json_object":
                return {"type": "object"}
            case "text":
                return None


def _urgency(through: Door | None) -> Priority:
    """Who waits in silence goes before those who read."""
    return Priority.FINAL if through in ("voice", "phone") else Priority.ANSWER


class Chunks:
    """One answer in OpenAI's chunk and completion shapes."""

    def __init__(self, model: str) -> None:
        self._head: Json = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
        self._calls = count()

    def tool_calls(self, calls: Sequence[ToolCall]) -> Json:
        """One streamed chunk with the answer's next tool calls, numbered through."""
        return self.chunk({"tool_calls": [{"index": next(self._calls)} | tool_call_body(call) for call in calls]})

    def chunk(self, delta: Json, finish_reason: str | None = None) -> Json:
        """One streamed chunk."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._head | {"object": "chat.completion.chunk", "choices": [choice]}

    def usage(self, usage: Usage | None) -> Json:
        """The last chunk, which has no choices."""
        return self._head | {"object": "chat.completion.chunk", "choices": [], "usage": usage_body(usage)}

    def completion(self, message: Json, finish_reason: str | None, usage: Usage | None) -> Json:
        """The whole answer at once."""
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        return self._head | {"object": "chat.completion", "choices": [choice], "usage": usage_body(usage)}


def usage_body(usage: Usage | None) -> Json:
    """Token counts as OpenAI names them, and in milliseconds how long the prompt was read."""
    usage = usage or Usage(0, 0, 0)
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "prefill_ms": round(1000 * usage.prefill_s, 2),
    }


async def complete_chat(request: web.Request) -> web.StreamResponse:
    """Answer once or in a stream; closing the connection stops the model."""
    engine = request.app[ENGINE]
    body = await read_body(request, ChatRequest)
    chunks = Chunks(engine.llama.name)
    generation = body.generation(default_tokens=DEFAULT_MAX_TOKENS, through=door.get())
    key = full_key(body.cache_key, generation)
    if key and (known := engine.answers.recall(key)):
        return await _reply(request, body, chunks, again(known))
    writing = Writing(engine, body, generation)
    with (LLM if generation.max_tokens else LLM_AHEAD).measure() as measured, _at_the_door():
        async with aclosing(_counted(writing.deltas(), measured)) as answer:
            learnt = engine.answers.learning(key, answer, is_kept=lambda: not writing.fell_back) if key else answer
            return await _reply(request, body, chunks, learnt)


async def _reply(
    request: web.Request, body: ChatRequest, chunks: Chunks, answer: AsyncGenerator[Delta]
) -> web.StreamResponse:
    async with aclosing(answer) as deltas:
        if body.stream:
            return await _streamed(EventStream(request), chunks, deltas, body.stream_options)
        return web.json_response(await _whole(chunks, deltas))


@contextmanager
def _at_the_door() -> Generator[None]:
    """An answer over HTTP is a call for as long as it is made; other doors' calls are known by their sockets."""
    if door.get() != "http":
        yield
        return
    with CALLS.labels(door="http").track_inprogress():
        yield


async def _streamed(
    events: EventStream, chunks: Chunks, deltas: AsyncIterator[Delta], options: StreamOptions
) -> web.StreamResponse:
    usage: Usage | None = None
    try:
        async for delta in deltas:
            usage = delta.usage or usage
            for event in _chunk_events(chunks, delta):
                await events.send(event)
    except EngineError as error:
        return await events.fail(error)
    if options.include_usage:
        await events.send(chunks.usage(usage))
    return await events.finish()


def _chunk_events(chunks: Chunks, delta: Delta) -> list[Json]:
    events: list[Json] = []
    if delta.text:
        events.append(chunks.chunk({"content": delta.text}))
    if delta.tool_calls:
        events.append(chunks.tool_calls(delta.tool_calls))
    if delta.finish_reason:
        events.append(chunks.chunk({}, delta.finish_reason))
    return events


def tool_call_body(call: ToolCall) -> Json:
    """A tool call in OpenAI's shape."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


async def _whole(chunks: Chunks, deltas: AsyncIterator[Delta]) -> Json:
    text, calls, reason, usage = "", list[Json](), None, None
    async for delta in deltas:
        text += delta.text
        calls += [tool_call_body(call) for call in delta.tool_calls]
        reason, usage = delta.finish_reason or reason, delta.usage or usage
    message: Json = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        message["tool_calls"] = calls
    return chunks.completion(message, reason, usage)


async def _counted(deltas: AsyncGenerator[Delta], measured: Measured) -> AsyncGenerator[Delta]:
    """The deltas, with their tokens counted; leaving early stops the model."""
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                if delta.text or delta.tool_calls:
                    measured.wrote()
                if usage := delta.usage:
                    measured.tokens(
                        received=usage.prompt_tokens, sent=usage.completion_tokens, cached=usage.cached_tokens
                    )
                yield delta
    except EngineError as error:
        measured.failed(error)
        raise


async def release_call(request: web.Request) -> web.Response:
    """DELETE /v1/calls/{call_id}: forget what was kept for a call that is over."""
    request.app[ENGINE].llama.use().release(request.match_info["call_id"])
    return web.json_response({"released": request.match_info["call_id"]})
