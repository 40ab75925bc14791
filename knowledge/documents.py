"""Documents: files in, titled blocks of plain text out.

One small loader per kind of file, all behind `LOADERS`. A new kind (PDF, DOCX, HTML, CSV) is one function
`(data, source) -> Parsed` and one line in the table; size, binary and emptiness checks are done here for all.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import (
    BinaryDocument,
    DocumentMissing,
    DocumentUnreadable,
    EmptyDocument,
    OversizedDocument,
    UndecodableDocument,
    UnsupportedDocument,
)
from knowledge.markdown import parse_markdown
from knowledge.plaintext import parse_plaintext
from knowledge.prose import Block, Parsed

MAX_DOCUMENT_BYTES = 20_000_000
_READING = "1"
"""Part of every content hash: raise it when loaders or chunks change what is stored, and the next ingest redoes all."""

Loader = Callable[[bytes, str], Parsed]
"""(data, source) -> Parsed. Raises a `DocumentError` that names `source`."""

_MAGIC = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP, DOCX or similar archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"RIFF": "audio or video",
    b"OggS": "audio",
    b"ID3": "audio",
    b"{\\rtf": "a rich-text file",
}
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SNIFFED_BYTES = 65_536
_MOST_CONTROL_SHARE = 0.02


@dataclass(frozen=True)
class Document:
    """One document, read. `origin` identifies it (absolute path or URL); `source` is what people are shown."""

    origin: str
    source: str
    title: str
    hash: str
    blocks: tuple[Block, ...]


def decode(data: bytes, source: str) -> str:
    """Text of a file in UTF-8, or UTF-16 with its mark; line ends as "\\n".

    Raises `BinaryDocument` or `UndecodableDocument`.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    if encoding is None:
        _refuse_binary(data, source)
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        raise UndecodableDocument(source, at_byte=error.start) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _load_text(data: bytes, source: str) -> Parsed:
    return parse_plaintext(decode(data, source))


def _load_markdown(data: bytes, source: str) -> Parsed:
    return parse_markdown(decode(data, source))


LOADERS: Mapping[str, Loader] = {
    ".txt": _load_text,
    ".text": _load_text,
    ".md": _load_markdown,
    ".markdown": _load_markdown,
}


def is_supported(path: Path) -> bool:
    """Whether some loader reads this kind of file."""
    return path.suffix.lower() in LOADERS


def read_bytes(path: Path, *, source: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The file's bytes. Raises `DocumentMissing`, `UnsupportedDocument`, `OversizedDocument`, `DocumentUnreadable`."""
    if not path.is_file():
        raise DocumentMissing(source)
    if not is_supported(path):
        raise UnsupportedDocument(source, known=tuple(LOADERS))
    try:
        size_bytes = path.stat().st_size
        if size_bytes > max_bytes:
            raise OversizedDocument(source, size_bytes=size_bytes, limit_bytes=max_bytes)
        return path.read_bytes()
    except OSError as error:
        raise DocumentUnreadable(source, error.strerror or type(error).__name__) from error


def content_hash(data: bytes) -> str:
    """What tells a changed document from an unchanged one: its bytes, and how this program reads them."""
    return hashlib.sha256(_READING.encode() + b"\0" + data).hexdigest()[:32]


def parse(data: bytes, *, path: Path, source: str) -> Document:
    """Read `data`, the bytes of `path`. Raises a `DocumentError`, `EmptyDocument` among them."""
    parsed = LOADERS[path.suffix.lower()](data, source)
    blocks = tuple(block for block in parsed.blocks if block.text.strip())
    if not blocks:
        raise EmptyDocument(source)
    title = parsed.title or _title_from_name(path)
    return Document(origin=path.as_posix(), source=source, title=title, hash=content_hash(data), blocks=blocks)


def load(path: Path, *, source: str | None = None, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
    """Read one file. `source` is the name shown for it (its file name if None). Raises a `DocumentError`."""
    source = source or path.name
    return parse(read_bytes(path, source=source, max_bytes=max_bytes), path=path.resolve(), source=source)


def _title_from_name(path: Path) -> str:
    words = path.stem.replace("_", " ").replace("-", " ").split()
    return " ".join(words).capitalize() or path.name


def _refuse_binary(data: bytes, source: str) -> None:
    head = data[:_SNIFFED_BYTES]
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise BinaryDocument(source, looks_like=kind)
    if b"\0" in head:
        raise BinaryDocument(source, looks_like="it contains zero bytes")
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    if control > _MOST_CONTROL_SHARE * len(head):
        raise BinaryDocument(source, looks_like="it is full of control characters")
