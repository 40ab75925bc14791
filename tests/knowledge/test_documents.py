"""Files in, documents out; what cannot be read is refused by name, with the way out."""

from pathlib import Path

import pytest

from knowledge import documents
from knowledge.documents import LOADERS, content_hash, load
from knowledge.errors import (
    BinaryDocument,
    DamagedDocument,
    DocumentError,
    DocumentMissing,
    DocumentUnreadable,
    EmptyDocument,
    OversizedDocument,
    UndecodableDocument,
    UnsupportedDocument,
)
from knowledge.prose import Block, Parsed


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_text_file_becomes_a_document_titled_by_its_name(tmp_path: Path) -> None:
    document = load(written(tmp_path, "opening_hours.txt", b"We open at nine."))
    assert document.title == "Opening hours"
    assert document.source == "opening_hours.txt"
    assert document.blocks == (Block(text="We open at nine."),)


def test_a_markdown_file_is_titled_by_its_heading(tmp_path: Path) -> None:
    document = load(written(tmp_path, "x.MD", b"# Opening hours\n\nWe open at nine."))
    assert document.title == "Opening hours"
    assert document.blocks == (Block(text="We open at nine."),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_that_can_be_told_are_read(tmp_path: Path, encoding: str) -> None:
    document = load(written(tmp_path, "a.txt", "Das Café öffnet um neun.\r\n".encode(encoding)))
    assert document.blocks[0].text == "Das Café öffnet um neun."


@pytest.mark.parametrize(
    ("name", "data", "error", "words"),
    [
        ("empty.txt", b"", EmptyDocument, "no text"),
        ("blank.md", b" \n\n\t\n", EmptyDocument, "no text"),
        ("comment.md", b"<!-- nothing yet -->\n", EmptyDocument, "no text"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), BinaryDocument, "PNG"),
        ("paper.md", b"%PDF-1.7 some text", BinaryDocument, "PDF"),
        ("zeros.txt", b"text\0text", BinaryDocument, "zero bytes"),
        ("control.txt", bytes(range(1, 9)) * 20, BinaryDocument, "control characters"),
        ("latin.txt", "Das Café".encode("latin-1"), UndecodableDocument, "UTF-8"),
        ("odd.txt", b"\xff\xfea", UndecodableDocument, "UTF-8"),
        ("table.xlsx", b"whatever", UnsupportedDocument, ".md"),
        ("noending", b"whatever", UnsupportedDocument, ".txt"),
    ],
)
def test_a_bad_file_is_refused_by_name(
    tmp_path: Path, name: str, data: bytes, error: type[DocumentError], words: str
) -> None:
    with pytest.raises(error) as refusal:
        load(written(tmp_path, name, data))
    assert refusal.value.source == name
    assert words in refusal.value.reason
    assert str(refusal.value).startswith(f"{name}: ")


def test_an_oversized_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(OversizedDocument, match=r"huge\.txt: it has 50\.0 MB and the limit is 20 MB"):
        load(path)


def test_the_size_limit_is_the_callers(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", b"We open at nine.")
    with pytest.raises(OversizedDocument):
        load(path, max_bytes=15)
    assert load(path, max_bytes=16).title == "A"


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DocumentMissing, match=r"gone\.txt"):
        load(tmp_path / "gone.txt")


def test_a_file_that_cannot_be_opened_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DocumentUnreadable, match="Permission denied"):
        load(written(tmp_path, "a.txt", b"secret"))


def test_a_new_kind_of_file_is_one_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_shouts(data: bytes, source: str) -> Parsed:
        return Parsed(title=source, blocks=(Block(text=data.decode().upper()),))

    monkeypatch.setattr(documents, "LOADERS", {**LOADERS, ".loud": load_shouts})
    document = load(written(tmp_path, "a.loud", b"we open"))
    assert (document.title, document.blocks[0].text) == ("a.loud", "WE OPEN")


def test_what_a_loader_trips_over_is_a_damaged_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(data: bytes, source: str) -> Parsed:
        raise IndexError(data.decode())

    monkeypatch.setattr(documents, "LOADERS", {**LOADERS, ".odd": stumble})
    with pytest.raises(DamagedDocument, match=r"^a\.odd: it cannot be read \(IndexError\)") as refusal:
        load(written(tmp_path, "a.odd", b"a secret"))
    assert "secret" not in str(refusal.value)


def test_half_a_character_never_leaves_a_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_halves(data: bytes, source: str) -> Parsed:
        return Parsed(title="a\ud83d", blocks=(Block(text="b\ud83d", headings=("c\ud83d", "d"), lead="e\udc80"),))

    monkeypatch.setattr(documents, "LOADERS", {**LOADERS, ".odd": load_halves})
    document = load(written(tmp_path, "a.odd", b"x"))
    assert document.title == "a\ufffd"
    assert document.blocks == (Block(text="b\ufffd", headings=("c\ufffd", "d"), lead="e\ufffd"),)


def test_the_hash_follows_the_content() -> None:
    assert content_hash(b"a") == content_hash(b"a") != content_hash(b"b")
