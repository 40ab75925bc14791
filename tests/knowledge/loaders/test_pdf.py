"""PDF: paragraphs with their pages, and an honest word where there is no text to be had."""

import pytest

from knowledge.errors import DamagedDocument, EncryptedDocument, ScannedDocument, SlowDocument
from knowledge.loaders.pages import Line, compose
from knowledge.loaders.pdf import load_pdf
from knowledge.prose import Block
from tests.knowledge.papers import locked, pdf

RULES = pdf(
    [
        (18, 740, "House of rules"),
        (11, 700, "The spa is a lovely place for swim-"),
        (11, 686, "ming, and opens at nine. It has"),
    ],
    [(11, 740, "a sauna, too."), (16, 700, "Prices"), (11, 680, "A day costs 20 euros.")],
)


def test_paragraphs_carry_the_page_that_they_begin_on() -> None:
    parsed = load_pdf(RULES, "a.pdf")
    assert parsed.title == "House of rules"
    assert parsed.note == ""
    assert parsed.blocks == (
        Block(text="The spa is a lovely place for swimming, and opens at nine. It has a sauna, too.", page=1),
        Block(text="A day costs 20 euros.", headings=("Prices",), page=2),
    )


def test_a_pdf_locked_only_against_changes_is_read() -> None:
    assert load_pdf(locked(RULES, password=""), "a.pdf").title == "House of rules"


def test_a_pdf_with_a_password_is_refused() -> None:
    with pytest.raises(EncryptedDocument, match=r"a\.pdf: it is locked with a password"):
        load_pdf(locked(RULES, password="secret"), "a.pdf")


def test_a_scan_says_how_to_get_its_text() -> None:
    with pytest.raises(ScannedDocument, match="its 2 page.*ocrmypdf"):
        load_pdf(pdf([], []), "a.pdf")


def test_pages_without_text_among_others_are_noted() -> None:
    parsed = load_pdf(pdf([(11, 740, "We open at nine.")], []), "a.pdf")
    assert parsed.note.startswith("no text on 1 of 2 pages (2)")


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4 nothing else", RULES[:300], b"\0" * 1000])
def test_a_pdf_that_is_not_whole_says_so(data: bytes) -> None:
    with pytest.raises(DamagedDocument, match=r"a\.pdf: it is not a whole PDF"):
        load_pdf(data, "a.pdf")


def test_a_pdf_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(SlowDocument, match=r"a\.pdf: it was not read within 0\.001 s; split it"):
        load_pdf(RULES, "a.pdf", max_s=0.001)


def page(number: int, *lines: str) -> list[Line]:
    """A page with a running head and foot around its lines."""
    texts = ["Heron House", *lines, f"Page {number} of 9"]
    return [Line(text=text, size=11, top=700.0 - 14 * place) for place, text in enumerate(texts)]


def test_running_heads_and_feet_are_left_out() -> None:
    pages = [page(number, f"Room {number} has a view.") for number in range(1, 5)]
    assert [block.text for block in compose(pages, title=None).blocks] == [
        f"Room {number} has a view." for number in range(1, 5)
    ]


def test_a_wider_gap_begins_a_paragraph_and_so_does_a_bullet() -> None:
    lines = [
        Line("We open at", 11, 700),
        Line("nine.", 11, 686),
        Line("Dogs stay", 11, 650),
        Line("out.", 11, 636),
        Line("• Cats too.", 11, 622),
    ]
    texts = [block.text for block in compose([lines], title=None).blocks]
    assert texts == ["We open at nine.", "Dogs stay out.", "Cats too."]
