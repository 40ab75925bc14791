"""Plain text: structure told from how the lines look."""

import pytest

from knowledge.loaders.plaintext import parse_plaintext
from knowledge.prose import Block

HOUSE = """HERON HOUSE

Opening hours
=============
Monday: 9 to 5
Tuesday: 9 to 6

Pets

We welcome dogs in the garden rooms, but they have to be kept on
a lead in the house.
You may bring:
- one dog
- two cats that are
  small

Thank you
"""


def test_titles_headings_and_lists_are_seen() -> None:
    parsed = parse_plaintext(HOUSE)
    assert parsed.title == "HERON HOUSE"
    assert parsed.blocks == (
        Block(text="Monday: 9 to 5", headings=("Opening hours",)),
        Block(text="Tuesday: 9 to 6", headings=("Opening hours",)),
        Block(
            text="We welcome dogs in the garden rooms, but they have to be kept on a lead in the house.",
            headings=("Pets",),
        ),
        Block(text="You may bring:", headings=("Pets",)),
        Block(text="one dog", headings=("Pets",), kind="item", lead="You may bring:"),
        Block(text="two cats that are small", headings=("Pets",), kind="item", lead="You may bring:"),
        Block(text="Thank you", headings=("Pets",)),
    )


@pytest.mark.parametrize(
    "text",
    ["We open at nine", "Dogs are welcome\n\nCats are not\n\nFish are", "We open at nine.\n\nWe close at five."],
)
def test_no_line_is_lost_as_a_heading_of_nothing(text: str) -> None:
    parsed = parse_plaintext(text)
    kept = " ".join([parsed.title or "", *(block.text for block in parsed.blocks)])
    assert set(text.split()) <= set(kept.split())
    assert parsed.blocks


def test_text_before_the_first_heading_stays_outside_of_it() -> None:
    parsed = parse_plaintext("We open at nine.\n\nParking\n\nIt is free.")
    assert parsed.title is None
    assert [block.headings for block in parsed.blocks] == [(), ("Parking",)]


def test_blank_text_has_no_blocks() -> None:
    assert parse_plaintext(" \n\n").blocks == ()
