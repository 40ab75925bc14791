"""Chunks: the right size, cut at sentence ends, headings carried, neighbours overlapping."""

import pytest

from knowledge.chunks import RULES, Chunk, ChunkRules, split
from knowledge.documents import Document
from knowledge.errors import EmptyDocument
from knowledge.prose import Block

SENTENCES = [f"Sentence number {number} says something of interest about the house." for number in range(60)]


def document(*blocks: Block) -> Document:
    return Document(origin="/house.md", source="house.md", title="House", hash="0", blocks=blocks)


def prose(*headings: str, count: int = 60) -> Block:
    return Block(text=" ".join(SENTENCES[:count]), headings=headings)


def test_chunks_have_the_size_asked_for() -> None:
    lengths = [len(chunk.text) for chunk in split(document(prose("Spa")))]
    assert all(RULES.min_chars <= length <= RULES.max_chars for length in lengths)


def test_chunks_end_at_sentence_ends() -> None:
    assert all(chunk.text.endswith(".") for chunk in split(document(prose())))


def test_every_sentence_begins_in_exactly_one_chunk() -> None:
    chunks = split(document(prose("Spa"), prose("Bar", count=7)))
    own = [sentence.text for chunk in chunks for sentence in chunk.sentences]
    assert own == SENTENCES + SENTENCES[:7]
    assert all(sentence.text in chunk.text for chunk in chunks for sentence in chunk.sentences)


def test_neighbours_share_about_the_overlap() -> None:
    chunks = split(document(prose()))
    for before, after in zip(chunks, chunks[1:-1], strict=False):
        shared = before.sentences[-1].text
        assert after.text.startswith(shared)
        assert len(shared) <= 2 * RULES.overlap_chars


def test_the_last_chunk_is_as_long_as_the_others() -> None:
    assert all(len(split(document(prose(count=count)))[-1].text) >= RULES.min_chars for count in range(9, 30))


def test_a_short_document_is_one_chunk() -> None:
    (chunk,) = split(document(prose(count=2)))
    assert chunk.text == " ".join(SENTENCES[:2])


def test_headings_are_repeated_in_every_chunk_below_them() -> None:
    chunks = split(document(prose("Spa", "Sauna")))
    assert len(chunks) > 3
    assert all(chunk.text.startswith("Spa › Sauna\nSentence") for chunk in chunks)
    assert {chunk.heading for chunk in chunks} == {"Spa › Sauna"}


def test_a_long_enough_chunk_ends_before_the_next_heading() -> None:
    first, second = split(document(prose("Spa", count=9), prose("Bar", count=9)))
    assert "Bar" not in first.text
    assert second.text.startswith("Bar\n")


def test_short_sections_share_a_chunk_each_under_its_heading() -> None:
    (chunk,) = split(document(prose("Spa", count=1), prose("Bar", count=1)))
    assert chunk.text == f"Spa\n{SENTENCES[0]}\nBar\n{SENTENCES[0]}"


def test_positions_count_from_zero() -> None:
    chunks = split(document(prose()))
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))


@pytest.mark.parametrize("text", ["x" * 5000, "word " * 3000, "a, b; " * 900])
def test_text_without_sentences_is_cut_to_size_all_the_same(text: str) -> None:
    chunks: list[Chunk] = split(document(Block(text=text, headings=("A heading that is long itself " * 20,))))
    assert all(len(chunk.text) <= RULES.max_chars for chunk in chunks)


def test_other_rules_give_other_chunks() -> None:
    chunks = split(document(prose()), rules=ChunkRules(min_chars=150, max_chars=300, overlap_chars=70))
    assert all(150 <= len(chunk.text) <= 300 for chunk in chunks)


@pytest.mark.parametrize("blocks", [(), (Block(text="- - -"),), (Block(text="Note:"),)])
def test_a_document_without_a_sentence_is_empty(blocks: tuple[Block, ...]) -> None:
    with pytest.raises(EmptyDocument, match=r"house\.md"):
        split(document(*blocks))


def test_a_chunk_names_the_page_that_its_own_sentences_begin_on_and_a_full_one_ends_with_its_page() -> None:
    pages = [Block(text=" ".join(SENTENCES[10 * page : 10 * page + 9]), page=page) for page in (1, 2, 3)]
    chunks = split(document(*pages))
    assert [chunk.page for chunk in chunks] == [1, 2, 3]
    assert all(len({sentence.page for sentence in chunk.sentences}) == 1 for chunk in chunks)
