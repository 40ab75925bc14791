"""CSV and JSON Lines: every row can be read alone."""

import pytest

from knowledge.errors import DamagedDocument, UndecodableDocument
from knowledge.loaders.csv import load_csv
from knowledge.loaders.jsonl import load_jsonl
from knowledge.prose import Block, Parsed


def texts(parsed: Parsed) -> list[str]:
    return [block.text for block in parsed.blocks]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_line_is_a_row_with_the_names_of_its_columns(delimiter: str) -> None:
    lines = [["Room", "Price", "Note"], ["Lake", "120 euros", "Quiet."], ["Hill", "90 euros", ""]]
    parsed = load_csv("\n".join(delimiter.join(line) for line in lines).encode(), "a.csv")
    assert parsed.blocks == (
        Block(text="Room: Lake, Price: 120 euros, Note: Quiet.", kind="row"),
        Block(text="Room: Hill, Price: 90 euros.", kind="row"),
    )


def test_quoted_cells_may_hold_delimiters_and_line_ends() -> None:
    parsed = load_csv(b'Question,Answer\r\n"Pets, too?","Dogs stay\nout."\r\n\r\n', "a.csv")
    assert texts(parsed) == ["Question: Pets, too?, Answer: Dogs stay out."]


def test_delimiters_within_the_names_of_columns_do_not_count() -> None:
    parsed = load_csv(b'"Name, first";"Price, net";Unit\nLake;120;night\n', "a.csv")
    assert texts(parsed) == ["Name, first: Lake, Price, net: 120, Unit: night."]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"'])
def test_a_first_line_for_spreadsheets_tells_the_delimiter(line: str) -> None:
    parsed = load_csv(f"{line}\r\nRoom;Price in euros, cents\r\nLake;120,00\r\n".encode(), "a.csv")
    assert texts(parsed) == ["Room: Lake, Price in euros, cents: 120,00."]


def test_a_broken_csv_names_the_line() -> None:
    with pytest.raises(DamagedDocument, match=r"a\.csv: line 2: "):
        load_csv(b'a,b\n"x"y,z\n', "a.csv")
    with pytest.raises(UndecodableDocument):
        load_csv("Das Café".encode("latin-1"), "a.csv")


def test_each_record_is_a_row_with_the_names_of_its_fields() -> None:
    record = (
        b'{"room": "Lake", "price": {"euros": 120}, "free": true, "tags": ["quiet", "view"], "x": null}\n\n"A line."'
    )
    assert texts(load_jsonl(record, "a.jsonl")) == [
        "room: Lake, price euros: 120, free: yes, tags: quiet; view.",
        "A line.",
    ]


def test_a_long_field_is_prose_under_the_records_title() -> None:
    body = "The spa is warm and bright. " * 10
    parsed = load_jsonl(f'{{"title": "Spa", "body": "{body}"}}\n{{"room": "Lake"}}\n'.encode(), "a.jsonl")
    assert parsed.blocks == (
        Block(text=body.strip(), headings=("Spa",)),
        Block(text="room: Lake.", kind="row"),
    )


def test_a_broken_record_names_the_line() -> None:
    with pytest.raises(DamagedDocument, match=r"a\.jsonl: line 3 is not JSON"):
        load_jsonl(b'{"a": 1}\n\n{"a": \n', "a.jsonl")
