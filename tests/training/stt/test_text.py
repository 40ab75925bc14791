import random

import pytest

from training.stt.sentences import CALLERS, corpus, expand, grammar, held_out_texts
from training.stt.text import NumberStyle, for_synthesizer, spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Breakfast is from 7 am to 10:30 on weekdays.", "breakfast is from seven am to ten thirty on weekdays"),
        ("The bus leaves at 6:05 p.m.", "the bus leaves at six oh five pm"),
        ("Parking costs €8 a night", "parking costs eight euros a night"),
        ("A double room costs 135 euros", "a double room costs one hundred and thirty five euros"),
        ("Call 0555 820 140", "call zero five five five eight two zero one four zero"),
        ("Built in 1911, ours since 2009", "built in nineteen eleven ours since two thousand and nine"),
        ("the 3rd of May", "the third of may"),
        ("3.5 metres", "three point five metres"),
        ("Is the Wi-Fi free?", "is the wifi free"),
        ("the Captain's Room isn't free", "the captain's room isn't free"),
    ],
)  # fmt: skip
def test_written_english_becomes_the_words_that_are_said(written: str, said: str) -> None:
    assert spoken(written) == said


def test_numbers_can_be_said_in_another_style() -> None:
    style = NumberStyle(hundred_and=False, zero="oh")

    assert spoken("135 euros, call 0550", style=style) == "one hundred thirty five euros call oh five five oh"


def test_synthesizers_get_as_many_words_as_the_transcript_has() -> None:
    transcript = "i am here from seven am to nine pm with wifi"

    assert for_synthesizer(transcript) == "i am here from seven a.m. to nine p.m. with wye-fye"


def test_every_slot_of_the_grammar_is_filled() -> None:
    rng = random.Random(1)

    sentences = [expand(rule, rng) for rule in grammar() for _ in range(20)]

    assert all("{" not in sentence for sentence in sentences)


def test_texts_that_models_are_measured_with_are_never_drawn() -> None:
    drawn = set(corpus(CALLERS, size=3000, seed=5))

    assert not drawn & held_out_texts()


def test_the_same_seed_draws_the_same_sentences() -> None:
    assert list(corpus(CALLERS, size=20, seed=1)) == list(corpus(CALLERS, size=20, seed=1))
