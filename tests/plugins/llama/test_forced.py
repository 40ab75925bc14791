"""What a grammar leaves no choice about is said at once; what it leaves open, the model chooses."""

from collections.abc import Awaitable, Callable

import pytest

from plugins.llama.forced import Forced, forced_by
from plugins.llama.grammar import Grammar
from plugins.llama.model import Delta, LlamaModel

Answer = Callable[..., Awaitable[Delta]]


def forced(text: str) -> Forced:
    found = forced_by(Grammar(text))
    assert found
    return found


def test_a_single_line_is_certain_from_the_start() -> None:
    line = forced('root ::= "We open at nine."')
    assert line.rest == "We open at nine."
    line.say(b"We open at nine.")
    assert line.is_over


def test_of_several_lines_only_what_they_share_is_certain() -> None:
    lines = forced('root ::= "We open at nine." | "We open at ten." | "We close."')
    assert lines.rest == "We "
    lines.say(b"We o")
    assert lines.rest == "pen at "
    lines.say(b"pen at t")
    assert lines.rest == "en."
    assert not lines.is_over


def test_a_line_that_is_the_beginning_of_another_leaves_a_choice() -> None:
    lines = forced('root ::= "Yes." | "Yes. And no."')
    assert lines.rest == "Yes."
    lines.say(b"Yes.")
    assert lines.rest == "" and not lines.is_over


def test_a_character_is_not_begun_before_it_is_certain() -> None:
    assert forced('root ::= "caf\u00e9" | "caf\u00ea"').rest == "caf"


def test_a_character_that_was_begun_is_left_to_the_model() -> None:
    lines = forced('root ::= "\u00e9cole" | "\u00fcber"')
    assert lines.rest == ""
    lines.say(b"\xc3")
    assert lines.rest == ""
    lines.say(b"\xa9")
    assert lines.rest == "cole"


def test_the_end_of_a_character_is_never_dropped() -> None:
    lines = forced('root ::= "\u00e9cole" | "above"')
    lines.say(b"\xc3")
    assert lines.rest == ""
    lines.say(b"\xa9")
    assert lines.rest == "cole"


def test_escapes_are_read_as_llama_cpp_reads_them() -> None:
    assert forced(r'root ::= "say \"a\\b\" \U000000E9\x41"').rest == 'say "a\\b" \u00e9A'


@pytest.mark.parametrize(
    "text",
    ['root ::= [a-z]+', 'root ::= "a" root', 'root ::= "a" "b"', 'root ::= ("a" | "b")', 'root ::= "a"\nb ::= "c"',
     r'root ::= "\q"'],
)  # fmt: skip
def test_other_grammars_are_left_to_the_model(text: str) -> None:
    assert forced_by(Grammar(text)) is None


async def test_a_line_without_a_choice_costs_the_model_no_step(model: LlamaModel, answer: Answer) -> None:
    before = model.load().steps
    delta = await answer("when do you open", grammar='root ::= "We open at nine."')
    assert (delta.text, delta.finish_reason) == ("We open at nine.", "stop")
    assert model.load().steps == before
    assert delta.usage and delta.usage.completion_tokens > 0


async def test_the_model_chooses_between_lines_and_the_rest_follows_in_one_step(
    model: LlamaModel, answer: Answer
) -> None:
    lines = ("We open at nine in the morning.", "Dogs are welcome in our garden.")
    before = model.load().steps
    delta = await answer(
        "when do you open", grammar="root ::= " + " | ".join(f'"{line}"' for line in lines), max_tokens=100
    )
    assert delta.text in lines
    assert delta.finish_reason == "stop"
    assert model.load().steps - before <= 6


@pytest.mark.parametrize(
    "lines", [("\u00e9cole", "\u00fcber"), ("\u00e9cole", "\u732b"), ("\u00e9cole", "\U0001f408 here")]
)
async def test_lines_that_begin_with_letters_of_several_bytes_are_said_whole(
    answer: Answer, lines: tuple[str, str]
) -> None:
    grammar = "root ::= " + " | ".join(f'"{line}"' for line in lines)
    delta = await answer("what do you say", grammar=grammar, max_tokens=100)
    assert delta.text in lines
    assert delta.finish_reason == "stop"


async def test_a_forced_line_ends_at_the_limit_like_any_answer(answer: Answer) -> None:
    delta = await answer("when do you open", grammar='root ::= "We open at nine in the morning."', max_tokens=4)
    assert delta.finish_reason == "length"
    assert delta.usage and delta.usage.completion_tokens == 4


async def test_a_stop_string_in_a_forced_line_ends_it(answer: Answer) -> None:
    delta = await answer("when do you open", grammar='root ::= "We open at nine. Come in."', stop=(" Come",))
    assert (delta.text, delta.finish_reason) == ("We open at nine.", "stop")
