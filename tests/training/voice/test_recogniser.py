"""Word error rates."""

import pytest

from training.voice.recogniser import word_error_rate, word_errors


@pytest.mark.parametrize(
    ("heard", "errors"),
    [("we open at nine", 0), ("we opened at nine", 1), ("open at nine", 1), ("we will open at nine", 1), ("", 4)],
)
def test_wrong_missing_and_extra_words_count(heard: str, errors: int) -> None:
    assert word_errors(["we", "open", "at", "nine"], heard.split()) == errors


def test_case_and_marks_do_not_count() -> None:
    assert word_error_rate(["We open, at nine."], ["we open at nine"]) == 0


def test_the_rate_is_over_all_words_said() -> None:
    assert word_error_rate(["one two three", "four"], ["one two", "five"]) == 0.5
