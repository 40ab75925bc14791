"""The grammar that a request asks for: its own, that of a JSON schema, or that of the tools it must call."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_cpp.llama_grammar import json_schema_to_gbnf

from plugins.errors import InvalidRequest
from plugins.llama.gbnf import check_grammar
from plugins.llama.generation import Generation, Json
from plugins.llama.toolcalls import CLOSE, OPEN, ToolStyle

_BAD_SCHEMA = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    RecursionError,
)
"""What the converter is known to raise on schemas that it does not understand."""


@dataclass(frozen=True)
class Grammar:
    """GBNF that was checked, and the rule that it starts from."""

    text: str
    root: str = "root"


def grammar_of(generation: Generation, style: ToolStyle) -> Grammar | None:
    """The grammar for a whole answer, or None if the model may say what it likes."""
    if generation.grammar:
        check_grammar(generation.grammar)
        return Grammar(generation.grammar)
    if generation.json_schema is not None:
        return Grammar(schema_grammar(generation.json_schema))
    if tools := demanded_tools(generation):
        return forced_call(tools, style)
    return None


def offered_tools(generation: Generation) -> list[Json]:
    """The functions that the model may call: OpenAI's `function` objects, none with `tool_choice` "none"."""
    if generation.tool_choice == "none":
        return []
    return [_function(tool) for tool in generation.tools or ()]


def demanded_tools(generation: Generation) -> list[Json]:
    """The functions of which the model must call one."""
    match generation.tool_choice:
        case "required":
            return offered_tools(generation)
        case Mapping() as choice:
            name = choice.get("function", choice).get("name")
            tools = [tool for tool in offered_tools(generation) if tool["name"] == name]
            if not tools:
                raise InvalidRequest("tool_choice names a tool that is not offered")
            return tools
        case None | "auto" | "none":
            return []
        case _:
            raise InvalidRequest("tool_choice must be none, auto, required or the name of a function")


def schema_grammar(schema: Mapping[str, Any], *, first: Sequence[str] = ()) -> str:
    """GBNF for JSON of a schema, with the properties `first` in this order before others."""
    try:
        text = json_schema_to_gbnf(json.dumps(schema), prop_order=list(first))
    except _BAD_SCHEMA as error:
        raise InvalidRequest(f"the JSON schema cannot be followed ({type(error).__name__})") from error
    check_grammar(text)
    return text


def forced_call(tools: Sequence[Json], style: ToolStyle) -> Grammar:
    """Exactly one call of one of `tools`."""
    text = _call_schema(tools, style)
    if style is ToolStyle.JSON:
        return Grammar(text)
    return Grammar(f'{text}\ntool-call ::= "{OPEN}\\n" root "\\n{CLOSE}"\n', root="tool-call")


def opened_call(tools: Sequence[Json]) -> Grammar:
    """The rest of a call of one of `tools` after `<tool_call>`, up to its closing tag."""
    text = _call_schema(tools, ToolStyle.HERMES)
    return Grammar(f'{text}\nrest-of-call ::= [ \\n]? root [ \\n]? "{CLOSE}"\n', root="rest-of-call")


def _call_schema(tools: Sequence[Json], style: ToolStyle) -> str:
    arguments = "parameters" if style is ToolStyle.JSON else "arguments"
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool["name"]},
                arguments: tool.get("parameters") or {"type": "object"},
            },
            "required": ["name", arguments],
        }
        for tool in tools
    ]
    return schema_grammar({"anyOf": calls} if len(calls) > 1 else calls[0], first=("name", arguments))


def _function(tool: Mapping[str, Any]) -> Json:
    function = tool.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidRequest("each tool needs a function with a name")
    return dict(function)
