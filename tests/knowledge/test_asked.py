"""Which kind of answer a question wants, and which a sentence offers."""

import pytest

from knowledge.asked import Kind, asked_kind, named_days, offers


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("how much is the late check out", "money"),
        ("what does a pedal boat cost", "money"),
        ("how many rooms do you have", "count"),
        ("how long does it take", "length"),
        ("how far is the station", "distance"),
        ("what time is breakfast", "time"),
        ("until when can i check in", "time"),
        ("and when is dinner", "time"),
        ("how old is the house", "age"),
        ("how long are the beds", "length"),
        ("who owns the hotel", "person"),
        ("where can i smoke", "place"),
        ("what is your phone number", "contact"),
        ("can i bring my dog", None),
        ("wann gibt es Frühstück", None),
    ],
)
def test_the_kind_of_answer_is_heard_from_the_question(question: str, kind: Kind | None) -> None:
    assert asked_kind(question) == kind


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("A rowing boat costs 12 euros an hour.", "money"),
        ("Parking is free of charge.", "money"),
        ("We have twenty-four rooms.", "count"),
        ("The massage takes an hour.", "length"),
        ("All beds are two metres long.", "length"),
        ("The house was built in 1911.", "age"),
        ("The station is four kilometres away.", "distance"),
        ("Breakfast is served until noon.", "time"),
        ("The bus leaves every thirty minutes.", "time"),
        ("It has belonged to Clara and Jonas since then.", "person"),
        ("Smokers use the bench behind the boathouse.", "place"),
        ("Call us on 0555 820 140.", "contact"),
    ],
)
def test_a_sentence_offers_what_stands_in_it(sentence: str, kind: Kind) -> None:
    assert offers(sentence, kind)


def test_a_day_is_no_person() -> None:
    assert not offers("We close on Sundays and in January.", "person")


def test_days_and_seasons_that_limit_a_sentence_are_named() -> None:
    assert named_days("On Sundays and in winter we close.") == {"sunday", "winter"}
    assert named_days("We open at nine.") == frozenset()
