"""Follow-up questions are made whole before the search."""

import pytest

from agent.follow_up import asks_for_source, last_answer, search_query


def after(previous: str, question: str) -> str:
    """The search for `question` when the caller asked `previous` before."""
    history = [{"role": "user", "content": previous}, {"role": "assistant", "content": "From 7 am."}]
    return search_query(question, history)


@pytest.mark.parametrize(
    ("previous", "question", "whole"),
    [
        ("When is breakfast on weekdays?", "And on Sunday?", "when is breakfast on sunday"),
        ("when is breakfast", "what about saturdays", "when is breakfast saturdays"),
        ("how much is a rowing boat", "and a kayak", "how much is a kayak"),
        ("what does a rowing boat cost", "and a kayak", "what does a kayak cost"),
        ("how much is breakfast for visitors", "what about children", "how much is breakfast for children"),
        ("how much is the entrance", "and for students", "how much is the entrance for students"),
        ("can i bring my dog", "what about a cat", "can i bring a cat"),
        ("do you have a sauna", "how much is it", "how much is a sauna"),
        ("do you have bicycles", "What do they cost?", "what do bicycles cost"),
        ("is there a market", "when", "when a market"),
        ("how much is a boat", "for two hours", "how much is a boat for two hours"),
        ("do you have rooms", "with a balcony", "do you have rooms with a balcony"),
        ("is there a market", "until when", "until when a market"),
    ],
)
def test_a_question_that_leans_on_the_one_before_takes_from_it_what_it_leaves_out(
    previous: str, question: str, whole: str
) -> None:
    assert after(previous, question) == whole


@pytest.mark.parametrize(
    "question",
    [
        "when does the spa open",
        "is there also a bus",
        "Can you repeat that?",
        "say that again",
        "thank you that is all",
        "what is your name",
        "who are you",
        "what can you do",
        "where are you",
        "what is there to do",
        "in which room is it served",
        "what",
        "Sorry, what?",
        "and could you please tell me where I can find it when I come in the evening",
    ],
)
def test_a_question_that_stands_alone_is_searched_as_it_was_asked(question: str) -> None:
    assert after("when is breakfast", question) == question


def test_the_first_question_of_a_call_is_searched_as_it_was_asked() -> None:
    assert search_query("  and on  Sunday ", []) == "and on Sunday"


@pytest.mark.parametrize("talk", ["Hello!", "thank you", "who are you", "sorry?"])
def test_small_talk_in_between_is_nothing_to_lean_on(talk: str) -> None:
    history = [
        {"role": "user", "content": "do you have a pool"},
        {"role": "assistant", "content": "The pool is in the cellar."},
        {"role": "user", "content": talk},
        {"role": "assistant", "content": "Yes?"},
    ]
    assert search_query("how deep is it", history) == "how deep is a pool"


def test_follow_ups_of_follow_ups_keep_the_subject() -> None:
    history = [
        {"role": "user", "content": "when is breakfast"},
        {"role": "assistant", "content": "From 7 am."},
        {"role": "user", "content": "and on saturday"},
        {"role": "assistant", "content": "From 8 am."},
    ]
    assert search_query("and on sunday", history) == "when is breakfast on sunday"


def test_what_the_agent_said_is_no_question_to_lean_on() -> None:
    assert search_query("and on sunday", [{"role": "assistant", "content": "Hello!"}]) == "and on sunday"


@pytest.mark.parametrize(
    "question",
    [
        "Where does it say that?",
        "And where does that stand?",
        "where's that written down",
        "How do you know that?",
        "what’s your source",
        "which document is that in",
        "Okay, so what page is that on?",
        "who says so",
        "where did you get that from",
        "Could you show me where that is written?",
        "where does it say that in your documents",
        "is there a source for that",
    ],
)
def test_asking_where_it_stands_is_searched_with_the_question_that_was_answered(question: str) -> None:
    assert asks_for_source(question)
    assert after("When is breakfast?", question) == "When is breakfast?"


def test_where_a_repeated_answer_stands_is_searched_with_its_own_question() -> None:
    said = ["when is breakfast", "From 7 am.", "say that again", "From 7 am."]
    history = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(said)]
    assert search_query("how do you know", history) == "when is breakfast"


def test_where_the_greeting_stands_is_searched_with_its_words() -> None:
    assert search_query("how do you know", [{"role": "assistant", "content": "Welcome."}]) == "Welcome."


@pytest.mark.parametrize(
    "question",
    [
        "where is that",
        "how do you know when breakfast is ready",
        "which room is that",
        "where does it say that dogs are allowed",
        "which documents do you need",
        "in which part of the house is the sauna",
        "where do you get the fish from",
        "where can i read",
        "where did you say",
        "who is that",
    ],
)
def test_a_question_about_the_house_does_not_ask_for_a_source(question: str) -> None:
    assert not asks_for_source(question)


def test_the_last_answer_is_not_the_one_that_told_its_place() -> None:
    said = ["when is breakfast", "From 7 am.", "where does it say that", "That is in the document “Breakfast”."]
    history = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(said)]
    assert last_answer(history) == "From 7 am."
    assert last_answer(history[:1]) == ""
