"""The question sets of `bench knowledge`."""

from bench.knowledge import is_grounded
from bench.questions import misheard, mistyped, read_sets


def test_there_are_enough_questions_and_every_answer_stands_in_its_documents() -> None:
    sets = read_sets()
    assert len(sets) >= 3
    assert sum(len(one.questions) for one in sets) >= 120
    for one in sets:
        text = " ".join(" ".join(path.read_text("utf-8").split()) for path in one.documents.iterdir())
        for question in one.questions:
            assert question.passage in text
            assert any(key.lower() in text.lower() for key in question.key)


def test_noise_changes_a_question_always_in_the_same_way() -> None:
    asked = "where is the quiet lounge on the ferry"
    assert mistyped(asked) == mistyped(asked) != asked
    assert misheard(asked) == misheard(asked) != asked


def test_numbers_and_names_must_stand_in_a_source() -> None:
    source = [{"text": "Ines leads the mill. It opens at 10:30 am."}]
    assert is_grounded("Ines opens at 10:30 am.", source)
    assert not is_grounded("Ines opens at 11 am.", source)
