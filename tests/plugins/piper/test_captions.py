"""Captions are the text itself, cut after each spoken word."""

from plugins.client import WordTime
from plugins.piper.captions import Caption, CaptionCutter


def word(text: str, at_s: float) -> WordTime:
    return WordTime(text, at_s, at_s + 0.5)


def test_the_pieces_joined_are_the_text() -> None:
    captions = CaptionCutter(" It costs €12.50, “really”. ")
    pieces = captions.cut([word("It", 0.0), word("costs", 0.5), word("€12.50,", 1.0)])
    assert pieces == [Caption(" It", 0.0, 0.5), Caption(" costs", 0.5, 1.0), Caption(" €12.50,", 1.0, 1.5)]
    assert captions.rest() == " “really”. "
    assert captions.rest() == ""


def test_a_word_that_comes_twice_is_taken_in_order() -> None:
    assert [piece.text for piece in CaptionCutter("so and so").cut([word("so", 0), word("and", 1), word("so", 2)])] == [
        "so",
        " and",
        " so",
    ]


def test_a_word_that_is_not_written_is_left_out() -> None:
    captions = CaptionCutter("one three")
    assert [piece.text for piece in captions.cut([word("one", 0), word("two", 1), word("three", 2)])] == [
        "one",
        " three",
    ]
