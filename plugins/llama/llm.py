"""The language model as a LiveKit plugin: whatever the engine writes, as chat chunks.

session = AgentSession(llm=LLM("unix:run/engine.sock"), ...)
"""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from livekit.agents import llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, NotGivenOr
from livekit.agents.utils import is_given

from plugins.client import EngineClient
from plugins.errors import EngineError
from plugins.livekit_errors import api_error

Options = dict[str, Any]
PREFILL = "prefill_ms"
"""Where a chunk's `extra` says how long the engine read the prompt."""


class LLM(llm.LLM[Any]):
    """Asks the engine's shared model. Make one for each session: its events belong to that session.

    `engine` is a client, which the caller closes, or an address for one of its own. Requests of one `call_id`
    share what the model has read; without one each request reads its whole prompt.
    """

    def __init__(
        self,
        engine: EngineClient | str,
        *,
        call_id: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        super().__init__()
        self._engine = EngineClient(engine) if isinstance(engine, str) else engine
        self._owns_engine = isinstance(engine, str)
        self._options: Options = {"call_id": call_id, "temperature": temperature, "max_tokens": max_tokens}

    @property
    def model(self) -> str:
        """The engine serves one model and needs no name for it."""
        return "local"

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return "landline"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> "LLMStream":
        """Start an answer. `extra_kwargs` go to the engine as they are, e.g. `grammar`, `stop`, `response_format`."""
        options = dict(self._options)
        if is_given(tool_choice):
            options["tool_choice"] = tool_choice
        if is_given(extra_kwargs):
            options |= extra_kwargs
        return LLMStream(
            self,
            engine=self._engine,
            options=options,
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=conn_options,
        )

    async def aclose(self) -> None:
        """Close the connection to the engine, if it is this object's own."""
        await super().aclose()
        if self._owns_engine:
            await self._engine.aclose()


class LLMStream(llm.LLMStream):
    """One answer. Closing it closes its connection, which stops the model.

    An answer that broke off is not tried again once something of it was given.
    """

    def __init__(
        self,
        model: LLM,
        *,
        engine: EngineClient,
        options: Options,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(model, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._retry_on_chunk_sent = False
        self._engine = engine
        self._options = options

    async def _run(self) -> None:
        messages, _ = self._chat_ctx.to_provider_format("openai")
        tools = llm.ToolContext(self._tools).parse_function_tools("openai", strict=False) or None
        request_id = f"chat-{uuid.uuid4().hex}"
        try:
            async with aclosing(self._engine.chat(messages, tools=tools, **self._options)) as deltas:
                await self._pass_on(deltas, request_id)
        except EngineError as error:
            raise api_error(error) from error

    async def _pass_on(self, deltas: AsyncIterator[Mapping[str, Any]], request_id: str) -> None:
        async for delta in deltas:
            if content := delta.get("content"):
                self._send(request_id, llm.ChoiceDelta(role="assistant", content=content))
            if calls := delta.get("tool_calls"):
                made = [_function_call(call) for call in calls]
                self._send(request_id, llm.ChoiceDelta(role="assistant", tool_calls=made))
            if usage := delta.get("usage"):
                self._event_ch.send_nowait(
                    llm.ChatChunk(id=request_id, usage=_completion_usage(usage), delta=_read_in(usage))
                )

    def _send(self, request_id: str, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))


def _function_call(call: Mapping[str, Any]) -> llm.FunctionToolCall:
    function = call["function"]
    return llm.FunctionToolCall(name=function["name"], arguments=function["arguments"], call_id=call["id"])


def _read_in(usage: Mapping[str, Any]) -> llm.ChoiceDelta | None:
    """How long the prompt was read, where the engine says so."""
    return llm.ChoiceDelta(extra={PREFILL: usage[PREFILL]}) if PREFILL in usage else None


def _completion_usage(usage: Mapping[str, Any]) -> llm.CompletionUsage:
    return llm.CompletionUsage(
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        prompt_cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
    )
