"""What a language model is asked for, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from plugins.errors import InvalidRequest

Json = dict[str, Any]

MAX_STOPS = 16


class Priority(IntEnum):
    """Who goes first when not everybody can: lower is more urgent."""

    FINAL = 0
    """A caller has finished speaking and waits."""
    ANSWER = 1
    """Somebody reads along: gives up its place to callers and goes on later."""
    SPECULATIVE = 2
    """Work that may turn out to be for nothing: gives up its place to anything else."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One request to the model.

    `messages` and `tools` are OpenAI's. `grammar` is GBNF with a rule `root`; it and `json_schema` exclude each
    other. `temperature` 0 takes the likeliest token. Without a `seed` sampling differs from run to run.
    Requests of one `call_id` share what the model has read: a later one reads only what is new and drops an
    earlier one that still runs. `max_tokens` 0 reads the prompt and writes nothing.
    """

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    grammar: str | None = None
    json_schema: Mapping[str, Any] | None = None
    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    call_id: str | None = None
    priority: Priority = Priority.ANSWER

    def check(self) -> None:
        """Raise `InvalidRequest` for values that no model could honour."""
        for wrong, complaint in (
            (not self.messages, "messages must not be empty"),
            (self.max_tokens < 0, "max_tokens must not be negative"),
            (not 0 <= self.temperature <= 100, "temperature must be between 0 and 100"),
            (not 0 < self.top_p <= 1, "top_p must be above 0 and at most 1"),
            (bool(self.grammar and self.json_schema is not None), "grammar and a JSON schema exclude each other"),
            (len(self.stop) > MAX_STOPS, f"at most {MAX_STOPS} stop strings"),
            ("" in self.stop, "a stop string must not be empty"),
        ):
            if wrong:
                raise InvalidRequest(complaint)


@dataclass(frozen=True)
class ToolCall:
    """The model wants a function called; `arguments` is a JSON object as text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Usage:
    """Tokens of one request; `cached_tokens` of the prompt had been read before, `prefill_s` went into the rest."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    prefill_s: float = 0.0


class Delta(NamedTuple):
    """A piece of an answer. The last one carries `finish_reason` (stop, length, tool_calls) and `usage`."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None

    def then(self, later: "Delta") -> "Delta":
        """This delta and the one after it as one."""
        return Delta(
            text=self.text + later.text,
            tool_calls=self.tool_calls + later.tool_calls,
            finish_reason=later.finish_reason or self.finish_reason,
            usage=later.usage or self.usage,
        )


@dataclass(frozen=True)
class Load:
    """What the model is doing now, and what it has done since it was loaded."""

    running: int
    waiting: int
    calls_kept: int
    calls_shelved: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    steps: int
    busy_s: float = 0.0
    """Time spent in steps."""
    squares_s2: float = 0.0
    """Sum of the steps' squared durations."""
