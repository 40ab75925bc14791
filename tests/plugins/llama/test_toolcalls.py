import json

import pytest

from plugins.llama.generation import ToolCall
from plugins.llama.toolcalls import HermesCalls, JsonCalls, Listener, NoCalls, ToolStyle, listener, parsed, style_of

CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>'


def read(listener: Listener, text: str, *, size: int) -> tuple[str, list[ToolCall]]:
    """Everything a listener gives for a text in pieces of `size` characters."""
    shown, calls = "", list[ToolCall]()
    for at in range(0, len(text), size):
        piece, found = listener.feed(text[at : at + size])
        shown, calls = shown + piece, calls + found
    piece, found = listener.finish()
    return shown + piece, calls + found


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_hermes_call_is_picked_out_of_the_text_around_it(size: int) -> None:
    text, calls = read(HermesCalls(), f"Let me look.\n{CALL}", size=size)
    assert text == "Let me look."
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": "Bern"})]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_two_calls_in_a_row_are_two_calls_with_different_ids(size: int) -> None:
    text, calls = read(HermesCalls(), f"{CALL}\n{CALL}", size=size)
    assert text == ""
    assert len({call.id for call in calls}) == 2


def test_markup_never_shows_even_piece_by_piece() -> None:
    hermes = HermesCalls()
    shown = [hermes.feed(character)[0] for character in f"Sure. {CALL} Done."]
    assert "".join(shown) + hermes.finish()[0] == "Sure. Done."


def test_text_that_only_looks_like_markup_is_shown() -> None:
    assert read(HermesCalls(), "a <tool> is not a <tool_cal", size=1) == ("a <tool> is not a <tool_cal", [])


def test_a_call_that_was_never_closed_counts_if_it_is_complete() -> None:
    _, calls = read(HermesCalls(), CALL.removesuffix("</tool_call>"), size=4)
    assert [call.name for call in calls] == ["weather"]


def test_a_malformed_call_is_neither_shown_nor_made() -> None:
    assert read(HermesCalls(), "Hm. <tool_call>{oops</tool_call>", size=2) == ("Hm.", [])


@pytest.mark.parametrize(
    "arguments", ["1" * 5000, f'{{"n": {"1" * 5000}}}', "[" * 100_000, "[" * 900 + "]" * 900], ids=lambda text: text[:9]
)
def test_a_call_that_python_cannot_hold_is_no_call(arguments: str) -> None:
    text, calls = read(HermesCalls(), f'Hm. <tool_call>{{"name": "x", "arguments": {arguments}}}</tool_call>', size=999)
    assert text == "Hm."
    assert [call.arguments for call in calls] in ([], [arguments])


def test_the_listener_knows_when_a_call_has_just_been_opened() -> None:
    hermes = HermesCalls()
    assert hermes.inside is None
    hermes.feed("Well <tool_call>")
    assert hermes.inside == ""
    hermes.feed('{"name"')
    assert hermes.inside == '{"name"'
    hermes.feed(': "x"}</tool_call>')
    assert hermes.inside is None


@pytest.mark.parametrize("size", [1, 1000])
def test_an_answer_that_is_nothing_but_json_of_a_known_tool_is_a_call(size: int) -> None:
    text, calls = read(JsonCalls({"weather"}), '{"name": "weather", "parameters": {"city": "Bern"}}', size=size)
    assert text == ""
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": "Bern"})]


def test_several_json_calls_may_be_separated_by_semicolons() -> None:
    _, calls = read(JsonCalls({"a", "b"}), '{"name": "a"}; {"name": "b"}', size=3)
    assert [call.name for call in calls] == ["a", "b"]


@pytest.mark.parametrize("answer", ['{"name": "Ada", "age": 36}', "{not json", " {", "Hello { there }"])
def test_json_that_names_no_known_tool_is_text(answer: str) -> None:
    assert read(JsonCalls({"weather"}), answer, size=2) == (answer, [])


def test_plain_text_streams_although_tools_are_offered() -> None:
    calls = JsonCalls({"weather"})
    assert calls.feed("It is")[0] == "It is"
    assert calls.feed(" {sunny}")[0] == " {sunny}"


def test_without_tools_markup_is_text() -> None:
    assert read(NoCalls(), CALL, size=9) == (CALL, [])
    assert isinstance(listener(ToolStyle.HERMES, ()), NoCalls)


def test_arguments_written_as_text_stay_as_they_are() -> None:
    assert parsed('{"name": "x", "arguments": "{\\"a\\": 1}"}')[0].arguments == '{"a": 1}'


def test_the_template_tells_the_style() -> None:
    assert style_of("... <|python_tag|> ...") is ToolStyle.JSON
    assert style_of("... <tool_call> ...") is ToolStyle.HERMES


def test_half_a_character_in_a_call_is_replaced() -> None:
    [call] = parsed('{"name": "note\\ud83d", "arguments": {"text": "fine \\ud83d\\ude00, half \\ud83d"}}')
    assert (call.name, call.arguments) == ("note\ufffd", '{"text": "fine \U0001f600, half \ufffd"}')
