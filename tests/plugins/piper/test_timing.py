"""Word times refer to the written words, whatever the voice makes of them."""

import pytest

from plugins.piper.spoken import Part
from plugins.piper.timing import Group, Word, divide, match_words, time_words


def groups(*lengths: int) -> list[Group]:
    """One group after the other, a tenth of a second for each phoneme."""
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    return [Group(length, (end - length) / 10, end / 10) for length, end in zip(lengths, ends, strict=True)]


def test_words_and_groups_pair_one_to_one() -> None:
    assert match_words(["big", "house"], groups(3, 4)) == [(0.0, 0.3), (0.3, 0.7)]


def test_words_run_together_share_their_group() -> None:
    spans = match_words(["in", "the", "garden", "room"], groups(4, 6, 3))
    assert spans[2:] == [(pytest.approx(0.4), 1.0), (1.0, pytest.approx(1.3))]
    assert spans[0][0] == 0.0
    assert spans[0][1] == spans[1][0] == pytest.approx(0.16)


def test_a_word_said_in_two_groups_spans_both() -> None:
    assert match_words(["breakfast-room", "open"], groups(7, 4, 4)) == [(0.0, 1.1), (1.1, 1.5)]


def test_far_too_few_groups_are_shared_by_length() -> None:
    spans = match_words(["a", "b", "c", "d", "e"], groups(5))
    assert [start for start, _ in spans] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_no_groups_give_no_time() -> None:
    assert match_words(["a", "b"], []) == [(0.0, 0.0), (0.0, 0.0)]


def test_a_time_of_day_spans_all_that_is_said_for_it() -> None:
    words = time_words([Part("at", "at"), Part("7:30", "seven thirty"), Part("sharp", "sharp")], groups(2, 5, 6, 4))
    assert words == (Word("at", 0.0, 0.2), Word("7:30", 0.2, 1.3), Word("sharp", 1.3, 1.7))


def test_two_written_words_divide_what_is_said_for_both() -> None:
    assert [word.text for word in time_words([Part("7 am", "seven AM")], groups(5, 3))] == ["7", "am"]


def test_a_silent_word_has_no_length_and_keeps_its_place() -> None:
    words = time_words([Part("hi", "hi"), Part("😀", ""), Part("you", "you")], groups(2, 2))
    assert words[1] == Word("😀", 0.2, 0.2)


def test_division_is_by_letters() -> None:
    assert divide(["a", "bbb"], 1.0, 2.0) == [Word("a", 1.0, 1.25), Word("bbb", 1.25, 2.0)]
