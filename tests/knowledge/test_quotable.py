"""What may be quoted: sentences that can stand alone."""

from knowledge.prose import Block
from knowledge.quotable import Sentence, join_short_lists, read_sentences


def items(*texts: str, lead: str = "", headings: tuple[str, ...] = ()) -> list[Block]:
    return [Block(text=text, kind="item", lead=lead, headings=headings) for text in texts]


def test_a_short_list_becomes_one_sentence_with_its_introduction() -> None:
    blocks = [Block(text="Welcome. It includes:"), *items("parking", "linen", lead="Welcome. It includes:")]
    sentences = list(read_sentences(blocks, max_chars=400))
    assert [sentence.text for sentence in sentences] == ["Welcome.", "It includes: parking, linen."]


def test_a_short_list_without_introduction_is_introduced_by_its_heading() -> None:
    assert [block.text for block in join_short_lists(items("sauna", "pool, heated", headings=("Spa",)))] == [
        "Spa: sauna; pool, heated."
    ]


def test_items_that_are_sentences_stay_apart_and_know_their_introduction() -> None:
    lead = "Please note:"
    blocks = [Block(text=lead), *items("Dogs stay out.", "Cats may come in.", lead=lead)]
    assert list(read_sentences(blocks, max_chars=400)) == [
        Sentence(text="Please note:"),
        Sentence(text="Dogs stay out.", lead=lead),
        Sentence(text="Cats may come in.", lead=lead),
    ]


def test_a_long_list_stays_a_list() -> None:
    blocks = items(*["a fairly long list item number"] * 20, lead="You get:")
    assert join_short_lists(blocks) == blocks


def test_a_line_that_only_introduces_cannot_be_quoted() -> None:
    assert not Sentence(text="Please note:").is_quotable
    assert not Sentence(text="* * *").is_quotable
    assert Sentence(text="Dogs stay out.").is_quotable
