"""How much of what was found a prompt holds."""

from typing import Any

from agent.passages import excerpts

HOURS = "Opening hours\nThe pool opens at nine. It closes at six. Towels are at the desk."
PRICES = "Prices\nA day at the pool costs ten euros. Children swim for nothing."


def passage(title: str, text: str) -> dict[str, str]:
    return {"title": title, "text": text}


def line(text: str, passage: int, *, kind: str = "sentence") -> dict[str, Any]:
    return {"text": text, "passage": passage, "kind": kind}


def found(prompt_tokens: int | None) -> dict[str, Any]:
    return {
        "passages": [passage("Pool", HOURS), passage("Prices", PRICES), passage("Bar", "x")],
        "candidates": [
            line("A day at the pool costs ten euros.", 1),
            line("Hello!", -1, kind="stock"),
            line("The pool opens at nine.", 0),
            line("It closes at six.", 0),
        ],
        "prompt_tokens": prompt_tokens,
    }


def texts(prompt_tokens: int | None) -> list[tuple[str, str]]:
    return [(one["title"], one["text"]) for one in excerpts(found(prompt_tokens))]


def test_passages_that_are_read_in_time_stay_whole() -> None:
    whole = [("Pool", HOURS), ("Prices", PRICES), ("Bar", "x")]
    assert texts(1000) == texts(None) == whole


def test_an_engine_that_does_not_say_how_much_it_reads_gets_everything() -> None:
    retrieval = found(None)
    del retrieval["prompt_tokens"]
    assert len(excerpts(retrieval)) == 3


def test_of_more_than_that_the_nearest_sentences_are_left_under_their_titles() -> None:
    assert texts(15) == [("Pool", "The pool opens at nine."), ("Prices", "A day at the pool costs ten euros.")]
    assert texts(19) == [
        ("Pool", "The pool opens at nine.\nIt closes at six."),
        ("Prices", "A day at the pool costs ten euros."),
    ]


def test_the_nearest_sentence_is_there_however_little_is_read() -> None:
    assert texts(1) == [("Prices", "A day at the pool costs ten euros.")]
