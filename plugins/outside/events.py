"""What an OpenAI-compatible server streams, as the engine's deltas."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from plugins.errors import EngineUnavailable
from plugins.llama.generation import Delta, ToolCall, Usage

Json = dict[str, Any]

_DATA = re.compile(rb"data: ?(.*)")


class Reading:
    """One streamed answer. Tool calls come in fragments and are given whole, at the end."""

    def __init__(self) -> None:
        self._calls: list[dict[str, str]] = []
        self._places: dict[int, int] = {}
        """Where in `_calls` the call of an index is that the server writes now."""
        self._reason: str | None = None
        self._usage: Usage | None = None

    async def deltas(self, lines: AsyncIterator[bytes]) -> AsyncIterator[Delta]:
        """The answer's text as it comes, then its end. Raises `EngineUnavailable` for a stream that is cut or none."""
        async for event in _events(lines):
            if text := self._take(event):
                yield Delta(text=text)
        if self._reason is None:
            raise EngineUnavailable("the outside model's answer broke off")
        yield self._end()

    def _take(self, event: Json) -> str:
        """Note what an event says beside text. Raises `EngineUnavailable` if it makes no sense."""
        if event.get("error"):
            raise EngineUnavailable("the outside model failed in the middle of an answer")
        try:
            if usage := event.get("usage"):
                self._usage = Usage(usage["prompt_tokens"], usage["completion_tokens"], 0)
            text = ""
            for choice in event.get("choices") or ():
                self._reason = choice.get("finish_reason") or self._reason
                delta = choice.get("delta") or {}
                text += delta.get("content") or ""
                for fragment in delta.get("tool_calls") or ():
                    self._add(fragment)
            return text
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineUnavailable("the outside model's answer makes no sense") from error

    def _add(self, fragment: Json) -> None:
        call = self._call(int(fragment.get("index") or 0), str(fragment.get("id") or ""))
        function = fragment.get("function") or {}
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    def _call(self, index: int, id: str) -> dict[str, str]:
        """The call that a fragment belongs to: another id is another call, as some servers give all calls one index."""
        call = self._calls[self._places[index]] if index in self._places else None
        if call is None or (id and call["id"] and id != call["id"]):
            self._places[index] = len(self._calls)
            self._calls.append(call := {"id": id, "name": "", "arguments": ""})
        call["id"] = call["id"] or id
        return call

    def _end(self) -> Delta:
        calls = tuple(ToolCall(**call) for call in self._calls)
        return Delta(tool_calls=calls, finish_reason=self._reason, usage=self._usage or Usage(0, 0, 0))


async def _events(lines: AsyncIterator[bytes]) -> AsyncIterator[Json]:
    """The JSON objects of an event stream, up to `[DONE]`."""
    async for line in lines:
        found = _DATA.fullmatch(line.strip())
        if not found:
            continue
        if found[1] == b"[DONE]":
            return
        try:
            event = json.loads(found[1])
        except ValueError as error:
            raise EngineUnavailable("the outside model's answer cannot be read") from error
        if not isinstance(event, dict):
            raise EngineUnavailable("the outside model's answer makes no sense")
        yield event


async def lines_of(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a body. Raises `EngineUnavailable` when the server leaves, falls silent, or sends endless lines."""
    try:
        async for line in response.content:
            yield line
    except (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError) as error:
        raise EngineUnavailable(f"the outside model went away ({type(error).__name__})") from error
