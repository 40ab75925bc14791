"""Quote mode: which lines may be said, how they are asked for and where they come from."""

from typing import Any

import pytest
from llama_cpp import LlamaGrammar

from agent.citing import cited
from agent.passages import spoken
from agent.prompts import read_prompt, read_stock, stock_lines
from agent.quote import choose_lines, grammar_of, quote_messages, quote_prompt

BREAKFAST = "Breakfast is served from 7 am to 10:30 on weekdays."
SUNDAY = "On Sundays breakfast is served from 8 am until noon."


def passage(name: str, text: str) -> dict[str, Any]:
    return {"chunk_id": name, "doc_id": name, "title": name, "source": name, "text": text, "position": 0, "score": 1.0}


PASSAGES = [passage("breakfast", BREAKFAST), passage("sunday", SUNDAY)]


def sentence(text: str, score: float, passage: int = 0) -> dict[str, Any]:
    return {"text": text, "kind": "sentence", "name": "", "passage": passage, "score": score}


def stock(name: str, score: float) -> dict[str, Any]:
    return {"text": read_stock()[name].text, "kind": "stock", "name": name, "passage": -1, "score": score}


def retrieval(*candidates: dict[str, Any], answerable: bool = True) -> dict[str, Any]:
    return {"query": "q", "passages": PASSAGES, "candidates": list(candidates), "answerable": answerable}


def test_a_clear_winner_is_the_only_line() -> None:
    found = retrieval(sentence(BREAKFAST, 0.9), sentence(SUNDAY, 0.5, 1))
    assert choose_lines(found, "when is breakfast") == (BREAKFAST,)


def test_of_two_lines_that_are_as_good_both_are_said_the_best_first() -> None:
    found = retrieval(sentence(SUNDAY, 0.89, 1), sentence(BREAKFAST, 0.9))
    assert choose_lines(found, "when is breakfast") == (f"{BREAKFAST} {SUNDAY}",)


def test_two_lines_that_are_too_long_together_are_not_joined() -> None:
    long = "The lake path is long " + "and winding " * 18 + "and flat."
    found = retrieval(sentence(BREAKFAST, 0.9), sentence(long, 0.9))
    assert choose_lines(found, "when is breakfast") == (BREAKFAST,)


def test_a_model_that_is_trusted_chooses_between_lines_that_are_as_good() -> None:
    found = retrieval(sentence(SUNDAY, 0.89, 1), sentence(BREAKFAST, 0.9))
    assert choose_lines(found, "when is breakfast", choosing=True) == (BREAKFAST, SUNDAY)


def test_nothing_close_enough_says_that_the_documents_do_not_tell() -> None:
    found = retrieval(sentence(BREAKFAST, 0.2), answerable=False)
    assert choose_lines(found, "who invented the telephone") == (read_stock()["not_in_documents"].text,)


def test_a_line_that_may_not_be_the_answer_is_said_with_a_warning() -> None:
    found = retrieval(sentence(BREAKFAST, 0.5)) | {"certain": False}
    (line,) = choose_lines(found, "when is brunch")
    assert line == f"{read_stock()['not_exactly'].text} {BREAKFAST}"
    assert [passage["chunk_id"] for passage in cited(line, found)] == [PASSAGES[0]["chunk_id"]]


def test_documents_switched_off_says_so() -> None:
    found = {"query": "q", "passages": [], "candidates": [], "answerable": False}
    assert choose_lines(found, "when is breakfast", documents=False) == (read_stock()["documents_off"].text,)


def test_what_no_document_tells_is_not_promised_by_documents_that_are_off() -> None:
    found = retrieval(stock("not_in_documents", 0.9), answerable=False)
    assert choose_lines(found, "what time is it") == (read_stock()["not_in_documents"].text,)
    assert choose_lines(found, "what time is it", documents=False) == (read_stock()["documents_off"].text,)


@pytest.mark.parametrize("noise", ["", "  ", "…", "?!"])
def test_a_question_without_a_word_is_not_understood(noise: str) -> None:
    assert choose_lines(retrieval(), noise) == (read_stock()["not_understood"].text,)


def test_a_question_of_which_only_the_first_word_was_heard_is_not_understood() -> None:
    found = retrieval(sentence("The network is called Heron Guest.", 0.4))
    assert choose_lines(found | {"query": "what"}, "what") == (read_stock()["not_understood"].text,)
    assert choose_lines(found | {"query": "wifi"}, "wifi") == ("The network is called Heron Guest.",)
    assert choose_lines(found | {"query": "what wifi"}, "what") == ("The network is called Heron Guest.",)


def test_small_talk_gets_its_line_of_the_house() -> None:
    found = retrieval(stock("thanks", 0.95), sentence(BREAKFAST, 0.3), answerable=False)
    assert choose_lines(found, "thank you") == (read_stock()["thanks"].text,)


def test_small_talk_does_not_take_the_place_of_a_better_sentence() -> None:
    found = retrieval(stock("what_i_can_do", 0.7), sentence(BREAKFAST, 0.9))
    assert choose_lines(found, "can you tell me when breakfast is") == (BREAKFAST,)


def test_asking_how_to_book_is_a_question_and_no_request() -> None:
    how = "You can book by telephone."
    found = retrieval(stock("cannot_do", 0.9), sentence(how, 0.7))
    assert choose_lines(found, "how do i book a room") == (how,)
    assert choose_lines(found, "please book a room for me") == (read_stock()["cannot_do"].text,)


def test_repeating_says_again_what_was_said_last() -> None:
    history = [{"role": "user", "content": "when is breakfast"}, {"role": "assistant", "content": BREAKFAST}]
    assert choose_lines(retrieval(stock("repeat", 0.9)), "say that again", history) == (BREAKFAST,)
    assert choose_lines(retrieval(stock("repeat", 0.9)), "say that again") == (read_stock()["repeat"].text,)


@pytest.mark.parametrize("question", ["What?", "sorry, what", "Pardon me?", "huh"])
def test_a_caller_who_did_not_hear_gets_the_last_answer_again(question: str) -> None:
    history = [{"role": "user", "content": "when is breakfast"}, {"role": "assistant", "content": BREAKFAST}]
    found = retrieval(sentence("The network is called Heron Guest.", 0.4))
    assert choose_lines(found, question, history) == (BREAKFAST,)


def test_messages_end_with_the_lines_and_the_question_so_that_what_went_before_stays_cached() -> None:
    history = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello!"}]
    first = quote_messages([BREAKFAST, SUNDAY], "when is  breakfast", history)
    second = quote_messages([SUNDAY], "and on sunday", history)
    assert first[:-1] == second[:-1]
    assert [message["role"] for message in first] == ["system", "user", "assistant", "user"]
    assert first[-1]["content"].endswith(f"- {BREAKFAST}\n- {SUNDAY}\n\nCaller: when is breakfast")


@pytest.mark.parametrize(
    "line",
    [
        BREAKFAST,
        'He said "yes" and left.',
        "A back\\slash, a tab\tand\na line break.",
        "Café Zoë — 12 € · 日本語 🎹",
        "Brackets [a-z] (b) {2,3} | * + ? ::= root #1",
    ],
)
def test_any_line_makes_a_grammar_that_llama_cpp_reads(line: str) -> None:
    assert LlamaGrammar.from_string(grammar_of([line, SUNDAY]), verbose=False)


def test_quotes_and_backslashes_are_escaped() -> None:
    assert grammar_of(['"a" \\ b']) == 'root ::= "\\"a\\" \\\\ b"'


def test_a_grammar_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        grammar_of([])


def test_the_prompt_holds_the_lines_of_its_grammar() -> None:
    prompt = quote_prompt(retrieval(sentence(BREAKFAST, 0.9), sentence(SUNDAY, 0.89, 1)), "when is breakfast")
    assert prompt.grammar == grammar_of(prompt.lines)
    assert all(line in prompt.messages[-1]["content"] for line in prompt.lines)


def test_a_long_sentence_is_cut_where_the_rest_still_is_one() -> None:
    clauses = "The house was built in 1911 as the summer home of a piano maker"
    long = f"{clauses}, and {'it has been painted many times since then by ' * 6}everyone."
    assert spoken(long) == f"{clauses}."
    assert spoken(BREAKFAST) == BREAKFAST


def test_a_long_sentence_without_a_clause_end_stays_whole() -> None:
    long = "word " * 80 + "end."
    assert spoken(long) == long


def test_every_stock_line_is_a_sentence_and_those_for_small_talk_have_examples() -> None:
    assert all(line.text.endswith((".", "?")) for line in read_stock().values())
    assert {line.name for line in stock_lines()} == {name for name, line in read_stock().items() if line.examples}


def test_prompts_are_there() -> None:
    assert read_prompt("quote") and read_prompt("free")
