"""Which chunks become passages."""

from knowledge.choosing import fused, place_of, within
from knowledge.rows import ChunkRow


def chunk(text: str, *, title: str = "Spa", heading: str = "", page: int = 0) -> ChunkRow:
    return ChunkRow("a:0", "a", text, title, heading, "a.md", "/a.md", "default", 0, "h", page)


def test_what_two_rankings_agree_on_comes_before_what_one_puts_first() -> None:
    assert fused([["a", "b", "c"], ["d", "b", "e"]])[0] == "b"
    assert fused([]) == []


def test_a_text_that_another_holds_is_merged_into_it() -> None:
    chunks = [chunk("The sauna is HOT, always."), chunk("the sauna is hot"), chunk("the sauna is hotter")]
    assert within(chunks, count=5, max_chars=1_000) == [chunks[0], chunks[2]]


def test_a_place_is_heading_and_page() -> None:
    assert place_of(chunk("", heading="Sauna", page=3)) == "Sauna, page 3"
    assert place_of(chunk("", heading="Spa")) == ""
