"""Tool calls in the model's text: told from what is meant for the reader, as the text streams in.

Two habits are understood: `<tool_call>{"name": …, "arguments": {…}}</tool_call>` (Hermes, Qwen and others)
and an answer that is nothing but `{"name": …, "parameters": {…}}` (Llama 3).
"""

import json
import uuid
from collections.abc import Collection
from enum import Enum
from typing import Any, Protocol

from plugins.llama.generation import ToolCall
from plugins.llama.text import held_back

OPEN, CLOSE = "<tool_call>", "</tool_call>"


class ToolStyle(Enum):
    """How a model writes a tool call."""

    HERMES = "hermes"
    JSON = "json"


def style_of(template: str) -> ToolStyle:
    """The habit that a chat template teaches."""
    return ToolStyle.JSON if "python_tag" in template and OPEN not in template else ToolStyle.HERMES


class Listener(Protocol):
    """Splits an answer into text to show and calls to make."""

    @property
    def inside(self) -> str | None:
        """What the model has written of a call so far, None outside of calls."""
        ...

    def feed(self, text: str) -> tuple[str, list[ToolCall]]: ...

    def finish(self) -> tuple[str, list[ToolCall]]: ...


class NoCalls:
    """For requests without tools: everything is text."""

    inside = None

    def feed(self, text: str) -> tuple[str, list[ToolCall]]:
        """The text itself."""
        return text, []

    def finish(self) -> tuple[str, list[ToolCall]]:
        """Nothing is ever held back."""
        return "", []


class HermesCalls:
    """Calls between `<tool_call>` and `</tool_call>`; text around them passes, without its trailing space."""

    def __init__(self) -> None:
        self._held = ""
        self._in_call = False

    @property
    def inside(self) -> str | None:
        """What stands after an open `<tool_call>`."""
        return self._held if self._in_call else None

    def feed(self, text: str) -> tuple[str, list[ToolCall]]:
        """Text that is surely no markup, and the calls that are complete."""
        self._held += text
        shown, calls = "", list[ToolCall]()
        while True:
            mark = CLOSE if self._in_call else OPEN
            before, found, after = self._held.partition(mark)
            if not found:
                return shown + self._show_safe(), calls
            if self._in_call:
                calls += parsed(before)
            else:
                shown += before.rstrip()
            self._held, self._in_call = after, not self._in_call

    def finish(self) -> tuple[str, list[ToolCall]]:
        """What is left at the end. A call that was never closed counts if it is complete."""
        held, self._held = self._held, ""
        return ("", parsed(held)) if self._in_call else (held.rstrip(), [])

    def _show_safe(self) -> str:
        if self._in_call:
            return ""
        cut = len(self._held) - held_back(self._held, (OPEN,))
        cut = len(self._held[:cut].rstrip())
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown


class JsonCalls:
    """Answers that are nothing but JSON with the name of a known tool; everything else is text."""

    inside = None

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._held: str | None = ""

    def feed(self, text: str) -> tuple[str, list[ToolCall]]:
        """Text, unless the answer may still turn out to be a call."""
        if self._held is None:
            return text, []
        self._held += text
        if not self._held.strip() or self._held.lstrip().startswith("{"):
            return "", []
        shown, self._held = self._held, None
        return shown, []

    def finish(self) -> tuple[str, list[ToolCall]]:
        """The calls of an answer that was JSON; the answer itself if it named no known tool."""
        held, self._held = self._held or "", None
        calls = parsed(held)
        known = bool(calls) and all(call.name in self._names for call in calls)
        return ("", calls) if known else (held, [])


def listener(style: ToolStyle, names: Collection[str]) -> Listener:
    """The right listener for a request that offers the tools `names`."""
    if not names:
        return NoCalls()
    return HermesCalls() if style is ToolStyle.HERMES else JsonCalls(names)


def parsed(text: str) -> list[ToolCall]:
    """Every tool call in a text of JSON objects, one after another; stops at what is none."""
    decoder, calls = json.JSONDecoder(), list[ToolCall]()
    text = text.strip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
            call = _call(value)
        except (ValueError, RecursionError):  # no JSON, a number of thousands of digits, or too deep
            break
        if not call:
            break
        calls.append(call)
        text = text[end:].lstrip(" \n\r\t;,")
    return calls


def _call(value: Any) -> ToolCall | None:
    if not isinstance(value, dict) or not isinstance(name := value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(id=f"call_{uuid.uuid4().hex}", name=_whole(name), arguments=_whole(arguments))


def _whole(text: str) -> str:
    """The text without halves of characters, which JSON can name and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
