"""Sentence ends that are really sentence ends."""

import pytest

from knowledge.sentences import cut_long, split_sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "Breakfast is from 7 a.m. to 10 a.m. every day.",
        "The bar closes at 11 p.m. Monday to Friday.",
        "Ask for Dr. Smith or Mrs. Jones at the desk.",
        "We live at No. 5 Lake Road, opposite St. Mary.",
        "It costs 3.50 euros, i.e. less than before.",
        "Write to J. R. Hartley at post@example.com for help.",
        "See www.example.com/opening.html for more.",
        "Take the U.S. Army road, approx. 4 miles.",
        "The U.S. team stays here, e.g. in May.",
        "1. Close the window.",
    ],
)
def test_dots_within_a_sentence_do_not_end_it(sentence: str) -> None:
    assert split_sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("We open at nine. We close at five.", ["We open at nine.", "We close at five."]),
        ("We close at 9 p.m. Dinner is at seven.", ["We close at 9 p.m.", "Dinner is at seven."]),
        ("Are dogs allowed? No. They stay out!", ["Are dogs allowed?", "No.", "They stay out!"]),
        ('She said "Come in." Then we left.', ['She said "Come in."', "Then we left."]),
        ("There are ten. 20 rooms are new.", ["There are ten.", "20 rooms are new."]),
        ("we open at nine. we close at five.", ["we open at nine.", "we close at five."]),
        ("So do I. You too?", ["So do I.", "You too?"]),
        ("我们九点开门。五点关门。", ["我们九点开门。", "五点关门。"]),
        ("Wir öffnen um neun. Über Mittag ist zu.", ["Wir öffnen um neun.", "Über Mittag ist zu."]),
        ("Wait... there is more. Good.", ["Wait... there is more.", "Good."]),
        ("  one\n line \t of text ", ["one line of text"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_new_one_starts(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_an_over_long_sentence_is_cut_at_clause_ends() -> None:
    pieces = cut_long("We sell apples and pears; we also sell plums, and in autumn we press juice.", max_chars=34)
    assert pieces == ["We sell apples and pears;", "we also sell plums,", "and in autumn we press juice."]


def test_cutting_loses_no_character_but_spaces() -> None:
    text = "word" * 100 + " " + "and more " * 60
    pieces = split_sentences(text, max_chars=90)
    assert all(len(piece) <= 90 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text", ["." * 300_000, "A. B. " * 50_000, "!?" * 150_000 + "x"], ids=["dots", "initials", "marks"]
)
def test_the_work_grows_with_the_length_alone(text: str) -> None:
    assert "".join(split_sentences(text)).replace(" ", "") == text.replace(" ", "")
