"""Words that carry meaning, and how rare they are."""

import pytest

from knowledge.words import Rarity, meaningful


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("parking", "parks"),
        ("served", "serve"),
        ("families", "family"),
        ("on sundays", "sunday"),
        ("the guest's dog", "guests dogs"),
        ("7:30", "at 7:30"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert meaningful(one) == meaningful(other) != frozenset()


def test_words_of_every_question_carry_nothing() -> None:
    assert meaningful("Hello, could you please tell me what there is?") == frozenset()


def test_rare_words_count_more() -> None:
    rarity = Rarity(map(meaningful, ["dog room", "cat room", "bird room"]))
    question = rarity.weigh(meaningful("dog room"))
    assert question.shared(meaningful("a dog")) > 0.8
    assert question.shared(meaningful("a room")) < 0.2
    assert question.shared(meaningful("dog room")) == pytest.approx(1.0)
    assert rarity.weigh(meaningful("hello")).shared(meaningful("dog room")) == 0.0


def test_a_word_that_no_sentence_has_is_the_rarest() -> None:
    rarity = Rarity(map(meaningful, ["dog room", "cat room"]))
    assert rarity.of("tennis") > rarity.of("dog") > rarity.of("room")


def test_a_word_that_was_found_is_not_unknown_though_nobody_counted_it() -> None:
    rarity = Rarity([meaningful("dog room")])
    question = meaningful("tennis room")
    assert rarity.unknown(question) > 0.5
    assert rarity.knowing(meaningful("a tennis court")).unknown(question) == 0.0
    assert rarity.unknown(question) > 0.5
