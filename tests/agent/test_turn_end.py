"""The end of a turn as a function of words, scores and pauses."""

import pytest

from agent.turn_end import Ending, TurnRules, how_it_ends, silence_to_wait_s, usual_pause_s

RULES = TurnRules(finished_s=0.25, open_s=0.45, longest_s=1.2)


@pytest.mark.parametrize(
    "text",
    [
        "what time is breakfast",
        "And how much does parking cost?",
        "is there a pool",
        "how are you",
        "and on saturdays",
        "what about room twelve",
        "thank you very much",
        "that's all thank you",
        "yes please",
        "what's the wifi password",
        "when is check in",
        "can my brother drop by",
        "can i log in",
    ],
)
def test_a_complete_question_and_a_closing_word_end_a_turn(text: str) -> None:
    assert how_it_ends(text) is Ending.FINISHED


@pytest.mark.parametrize(
    "text",
    [
        "we are two adults and",
        "how much is the",
        "i would like um",
        "my number is oh seven seven",
        "you can call me on my phone nine one two",
        "five five five one",
        "my email is anna at",
        "my email is anna at example dot",
        "my name is a n n a",
        "I would like to book a...",
    ],
)
def test_more_must_come_after_a_hanging_word_or_half_a_number(text: str) -> None:
    assert how_it_ends(text) is Ending.HANGING


@pytest.mark.parametrize(
    "text", ["how much is", "can i", "do you have", "a table for", "could you tell me", "well,", "what is it in"]
)
def test_more_is_likely_after_words_that_ask_for_another(text: str) -> None:
    assert how_it_ends(text) is Ending.LOOSE


@pytest.mark.parametrize(
    "text",
    [
        "my number is oh seven seven one two three four five",
        "my email is anna at example dot com",
        "i'd like a table for two",
        "yes it is",
        "breakfast",
        "",
        "...",
    ],
)
def test_other_words_tell_nothing(text: str) -> None:
    assert how_it_ends(text) in (Ending.OPEN, Ending.FINISHED)


def test_the_less_finished_the_words_the_longer_the_wait() -> None:
    waits = [silence_to_wait_s(text, rules=RULES) for text in ("is there a pool", "a pool", "a pool for", "a pool and")]
    assert waits == sorted(set(waits))
    assert waits[0] == RULES.finished_s
    assert waits[-1] == RULES.longest_s


def test_a_caller_who_pauses_long_is_given_that_time_but_for_complete_questions() -> None:
    pauses_s = (0.5, 0.7, 0.8)
    assert silence_to_wait_s("a table for two", pauses_s=pauses_s, rules=RULES) > max(pauses_s)
    assert silence_to_wait_s("is there a pool", pauses_s=pauses_s, rules=RULES) == RULES.finished_s


def test_nobody_is_waited_for_longer_than_the_longest_wait() -> None:
    assert silence_to_wait_s("a table and", pauses_s=(1.9, 1.9), rules=RULES) == RULES.longest_s


def test_one_long_pause_among_many_short_ones_is_no_habit() -> None:
    assert usual_pause_s([0.3, 0.3, 0.3, 0.3, 0.35, 0.3, 0.3, 0.3, 0.3, 1.9]) < 0.5


def test_a_voice_that_goes_on_and_a_voice_that_ends_are_believed() -> None:
    question, statement = "is there a pool", "a pool"
    assert silence_to_wait_s(question, score=0.1, rules=RULES) > silence_to_wait_s(question, rules=RULES)
    assert silence_to_wait_s(statement, score=0.9, rules=RULES) == RULES.finished_s
    assert silence_to_wait_s("a pool and", score=0.9, rules=RULES) == RULES.longest_s


def test_words_of_another_language_tell_nothing() -> None:
    assert silence_to_wait_s("wann ist das frühstück and", language="de", rules=RULES) == RULES.open_s
