import pytest

from plugins.errors import InvalidRequest
from plugins.llama.gbnf import check_grammar
from plugins.llama.generation import Generation
from plugins.llama.grammar import demanded_tools, forced_call, grammar_of, offered_tools, opened_call, schema_grammar
from plugins.llama.toolcalls import ToolStyle

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME = {"type": "function", "function": {"name": "time"}}


def request(**options: object) -> Generation:
    return Generation(messages=[{"role": "user", "content": "hi"}], **options)  # type: ignore[arg-type]


def test_a_free_answer_has_no_grammar() -> None:
    assert grammar_of(request(tools=[WEATHER]), ToolStyle.HERMES) is None


def test_the_request_s_own_grammar_is_checked() -> None:
    with pytest.raises(InvalidRequest):
        grammar_of(request(grammar="no grammar"), ToolStyle.HERMES)


def test_a_schema_becomes_a_grammar() -> None:
    assert "root ::=" in schema_grammar({"type": "object", "properties": {"a": {"type": "integer"}}})


@pytest.mark.parametrize(
    "schema",
    [{"type": "nonsense"}, {"$ref": "https://example.com/x.json"}, {"$ref": "#/nowhere"}, {"anyOf": 3}, {"type": 7}],
)
def test_a_schema_that_cannot_be_followed_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="JSON schema"):
        schema_grammar(schema)


def test_tool_choice_none_offers_nothing() -> None:
    assert offered_tools(request(tools=[WEATHER], tool_choice="none")) == []


def test_a_named_tool_is_the_only_one_demanded() -> None:
    choice = {"type": "function", "function": {"name": "time"}}
    demanded = demanded_tools(request(tools=[WEATHER, TIME], tool_choice=choice))
    assert [tool["name"] for tool in demanded] == ["time"]


def test_a_tool_that_is_not_offered_cannot_be_demanded() -> None:
    with pytest.raises(InvalidRequest, match="not offered"):
        demanded_tools(request(tools=[WEATHER], tool_choice={"function": {"name": "other"}}))


@pytest.mark.parametrize("tool", [{}, {"function": {}}, {"function": {"name": 3}}, {"function": "weather"}])
def test_a_tool_without_a_name_is_refused(tool: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="function with a name"):
        offered_tools(request(tools=[tool]))


@pytest.mark.parametrize("style", ToolStyle)
def test_grammars_of_forced_calls_hold(style: ToolStyle) -> None:
    tools = offered_tools(request(tools=[WEATHER, TIME]))
    check_grammar(forced_call(tools, style).text)
    check_grammar(opened_call(tools).text)
