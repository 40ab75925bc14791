"""From messages to the text that a model was trained to continue: its own chat template, run in a sandbox."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from plugins.errors import InvalidRequest
from plugins.llama.generation import Json
from plugins.llama.vocabulary import Vocabulary

CHATML = """\
{%- if tools %}{{ '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{% endif %}
{{- '# Tools\\n\\nYou may call one or more of these functions:\\n<tools>' }}
{%- for tool in tools %}{{ '\\n' + tool | tojson }}{% endfor %}
{{- '\\n</tools>\\n\\nFor each call answer with JSON inside tags:\\n<tool_call>\\n' }}
{{- '{"name": <function>, "arguments": <its arguments>}\\n</tool_call><|im_end|>\\n' }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif not (tools and loop.first and message.role == 'system') %}
{{- '<|im_start|>' + message.role + '\\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n' + {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}
{{- '\\n</tool_call>' }}{% endfor %}
{{- '<|im_end|>\\n' }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
"""For models whose file has no template."""


class ChatTemplate:
    """A compiled chat template. Raises `jinja2.TemplateSyntaxError` if `source` is none."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[loopcontrols, Jinja2ChatFormatter.IgnoreGenerationTags],
        )
        environment.filters["tojson"] = Jinja2ChatFormatter.tojson
        known = {"raise_exception": _refuse, "strftime_now": _now, "bos_token": bos, "eos_token": eos}
        self._template = environment.from_string(source, globals=known)

    def render(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> str:
        """The prompt, up to where the model's answer begins. Thinking aloud is switched off where it can be.

        Raises `InvalidRequest` for messages that the template refuses.
        """
        try:
            return self._template.render(
                messages=[plain_message(message) for message in messages],
                tools=list(tools) or None,
                add_generation_prompt=True,
                enable_thinking=False,
            )
        except _Refused as error:
            raise InvalidRequest(f"the model's chat template refuses these messages: {error}") from error
        except (jinja2.TemplateError, TypeError, ValueError, OverflowError) as error:
            raise InvalidRequest(
                f"the model's chat template refuses these messages ({type(error).__name__})"
            ) from error


class Prompts:
    """From a request's messages to tokens. Nothing that a message says counts as a sign of the template.

    Callers and tools cannot pretend to call a tool or to be its result either; other roles may, as clients write their
    own instructions and give answers back as they came.
    """

    def __init__(self, template: ChatTemplate, vocabulary: Vocabulary) -> None:
        self._template = template
        self._vocabulary = vocabulary

    def tokens(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> list[int]:
        """The prompt's tokens. Raises `InvalidRequest` for messages that cannot be put in the template."""
        said = [self._defused(plain_message(message)) for message in messages]
        return self._vocabulary.tokenize(self._template.render(said, self._vocabulary.defused(list(tools))))

    def _defused(self, message: Json) -> Json:
        return self._vocabulary.defused(message, strictly=message["role"] in ("user", "tool"))


def plain_message(message: Mapping[str, Any]) -> Json:
    """A message as templates expect it: text content, a role they know, arguments of calls as objects."""
    plain = {**message, "content": _text(message.get("content")), "role": message.get("role")}
    if not isinstance(plain["role"], str):
        raise InvalidRequest("each message needs a role")
    if plain["role"] == "developer":
        plain["role"] = "system"
    if calls := message.get("tool_calls"):
        plain["tool_calls"] = [_plain_call(call) for call in calls]
    return plain


def _text(content: Any) -> str:
    """OpenAI's content, a string or a list of parts, as one string."""
    match content:
        case None:
            return ""
        case str():
            return content
        case list() if all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content):
            return "".join(part["text"] for part in content)
        case _:
            raise InvalidRequest("message content must be text")


def _plain_call(call: Any) -> Json:
    try:
        function = dict(call["function"])
        if isinstance(function["arguments"], str):
            function["arguments"] = json.loads(function["arguments"] or "{}")
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest("a tool call in the messages needs a function with a name and JSON arguments") from error
    return {**call, "function": function}


class _Refused(Exception):
    """A template called `raise_exception`."""


def _refuse(reason: str) -> NoReturn:
    raise _Refused(reason)


def _now(pattern: str) -> str:
    return datetime.now().strftime(pattern)
