"""Word documents: headings, lists and tables as they stand in them."""

import zipfile
from io import BytesIO

import pytest

from knowledge.errors import DamagedDocument, EncryptedDocument
from knowledge.loaders.docx import load_docx
from knowledge.prose import Block
from tests.knowledge.papers import annotated_docx, docx, edited_docx


def test_headings_lists_and_tables_are_read_in_order() -> None:
    parsed = load_docx(docx(), "a.docx")
    assert parsed.title == "House rules"
    assert parsed.blocks == (
        Block(text="Dogs stay out.", headings=("Pets",)),
        Block(text="Please bring:", headings=("Pets",)),
        Block(text="a towel for the dog", headings=("Pets",), kind="item", lead="Please bring:"),
        Block(text="its basket", headings=("Pets",), kind="item", lead="Please bring:"),
        Block(text="Room: Lake, Price: 120 euros.", headings=("Prices",), kind="row"),
        Block(text="Room: Children are free.", headings=("Prices",), kind="row"),
        Block(text="It opens late.", headings=("Prices", "Bar")),
    )


def test_a_document_reads_as_if_its_changes_were_accepted() -> None:
    assert [block.text for block in load_docx(edited_docx(), "a.docx").blocks] == [
        "Breakfast costs 12 euros.",
        "Tea is free.",
        "It is in the hall.",
        "Rooms of this year",
        "Room: Lake, Season: summer, Price: 120.",
        "Room: Lake, Season: winter, Price: 80.",
        "Room: Attic, Price: 60 euros.",
    ]


def test_notes_stand_below_what_refers_to_them() -> None:
    assert [block.text for block in load_docx(annotated_docx(), "a.docx").blocks] == [
        "Breakfast costs 12 euros.",
        "For children 6.",
        "Dogs stay out.",
        "Room: Lake, Price: 120 euros.",
        "In summer only.",
    ]


def test_notes_that_cannot_be_read_say_so() -> None:
    with pytest.raises(DamagedDocument, match="footnotes are no XML"):
        load_docx(annotated_docx(child="For <children 6."), "a.docx")


def test_a_locked_document_says_so() -> None:
    with pytest.raises(EncryptedDocument, match=r"a\.docx: it is locked with a password"):
        load_docx(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.docx")


@pytest.mark.parametrize("data", [b"", b"no archive", docx()[:2000]])
def test_a_document_that_is_not_whole_says_so(data: bytes) -> None:
    with pytest.raises(DamagedDocument, match="not a whole DOCX"):
        load_docx(data, "a.docx")


def test_an_archive_of_something_else_is_refused() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(DamagedDocument):
        load_docx(out.getvalue(), "a.docx")


def test_an_archive_that_unpacks_to_far_too_much_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge.loaders.docx._MAX_UNPACKED_BYTES", 90_000_000)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as entry:
        entry.write(bytes(100_000_000))
    with pytest.raises(DamagedDocument, match=r"unpacks to 0\.1 GB"):
        load_docx(out.getvalue(), "a.docx")
