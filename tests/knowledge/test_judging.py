"""When a sentence is taken for the answer to a question."""

import pytest

from knowledge.judging import WEIGHTS, Case, Evidence, first_evidence, foreignness, judge
from knowledge.words import Rarity, meaningful
from tests.knowledge.fakes import WordEmbedder

SAUNA = "The sauna is heated at noon."
RARITY = Rarity([meaningful(SAUNA), meaningful("Dogs sleep in the garden.")])


def case(question: str, score: float = 0.5) -> Case:
    return Case(question, SAUNA, WordEmbedder().embed_passages([SAUNA])[0], score, RARITY)


def test_a_word_that_the_sentence_lacks_is_foreign(embedder: WordEmbedder) -> None:
    heated, painted = foreignness([case("when is the sauna heated"), case("when is the sauna painted")], embedder)
    assert heated < 0 < painted


@pytest.mark.parametrize("question", ["", "is it", "?!…", "when is the sauna heated"])
def test_a_question_whose_words_the_sentence_has_is_not_embedded(question: str, embedder: WordEmbedder) -> None:
    (foreign,) = foreignness([case(question)], embedder)
    assert foreign < 0
    assert embedder.embedded == []


def test_only_words_that_the_sentence_lacks_are_left_out(embedder: WordEmbedder) -> None:
    foreignness([case("when is the sauna painted")], embedder)
    assert embedder.embedded == ["when is the sauna painted", "when is the sauna"]


def test_unknown_words_and_things_asked_for_are_seen() -> None:
    quick = first_evidence("do you have a sauna for dogs", 0.5, RARITY)
    assert (quick.asks_for_thing, quick.unknown) == (True, 0.0)
    assert first_evidence("when is the disco", 0.5, RARITY) == Evidence(0.5, 1.0, asks_for_thing=False, foreign=0.0)


def test_every_kind_of_evidence_counts_the_right_way() -> None:
    base = Evidence(score=0.5, unknown=0.5, asks_for_thing=False, foreign=0.0)
    doubts = [Evidence(0.4, 0.5, False, 0.0), Evidence(0.5, 0.6, False, 0.0), Evidence(0.5, 0.5, True, 0.0)]
    assert all(WEIGHTS.known(doubt) < WEIGHTS.known(base) for doubt in doubts)
    assert WEIGHTS.foreign < 0


def test_nothing_is_embedded_where_the_verdict_is_clear(embedder: WordEmbedder) -> None:
    cases = [case("when is the sauna heated", 1.5), case("when is the disco", -0.5)]
    assert judge(cases, embedder) == ["certain", "none"]
    assert embedder.embedded == []


def test_between_the_clear_verdicts_there_is_a_doubtful_one(embedder: WordEmbedder) -> None:
    verdicts = judge([case("is the sauna painted", score / 20) for score in range(31)], embedder)
    assert list(dict.fromkeys(verdicts)) == ["none", "possible", "certain"]
