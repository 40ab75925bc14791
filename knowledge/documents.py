"""Documents: bytes in, titled blocks of plain text out.

One small loader per kind of file, all behind `LOADERS`; emptiness is checked here for all.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from knowledge.decoding import mended
from knowledge.errors import (
    DamagedDocument,
    DocumentMissing,
    DocumentUnreadable,
    EmptyDocument,
    KnowledgeError,
    OversizedDocument,
    UnsupportedDocument,
)
from knowledge.loaders.csv import load_csv
from knowledge.loaders.docx import load_docx
from knowledge.loaders.html import load_html
from knowledge.loaders.jsonl import load_jsonl
from knowledge.loaders.markdown import load_markdown
from knowledge.loaders.pdf import load_pdf
from knowledge.loaders.plaintext import load_plaintext
from knowledge.prose import Block, Parsed

MAX_DOCUMENT_BYTES = 20_000_000
_READING = "3"
"""Part of every content hash: raise it when loaders or chunks change what is stored, and the next ingest redoes all."""

Loader = Callable[[bytes, str], Parsed]
"""(data, source) -> Parsed. Raises a `DocumentError` that names `source`."""

LOADERS: Mapping[str, Loader] = {
    ".txt": load_plaintext,
    ".text": load_plaintext,
    ".md": load_markdown,
    ".markdown": load_markdown,
    ".html": load_html,
    ".htm": load_html,
    ".xhtml": load_html,
    ".pdf": load_pdf,
    ".docx": load_docx,
    ".csv": load_csv,
    ".tsv": load_csv,
    ".jsonl": load_jsonl,
    ".ndjson": load_jsonl,
}


@dataclass(frozen=True)
class Document:
    """One document, read. `origin` identifies it (absolute path or address); `source` is what people are shown.

    `note` says what of it could not be read.
    """

    origin: str
    source: str
    title: str
    hash: str
    blocks: tuple[Block, ...]
    note: str = ""


def is_supported(name: str) -> bool:
    """Whether some loader reads this kind of file."""
    return _ending(name) in LOADERS


def refuse_unsupported(name: str, *, source: str) -> None:
    """Raises `UnsupportedDocument` if no loader reads this kind of file."""
    if not is_supported(name):
        raise UnsupportedDocument(source, known=tuple(LOADERS))


def read_bytes(path: Path, *, source: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The file's bytes. Raises `DocumentMissing`, `UnsupportedDocument`, `OversizedDocument`, `DocumentUnreadable`."""
    try:
        if not path.is_file():
            raise DocumentMissing(source)
        refuse_unsupported(path.name, source=source)
        size_bytes = path.stat().st_size
        if size_bytes > max_bytes:
            raise OversizedDocument(source, size_bytes=size_bytes, limit_bytes=max_bytes)
        return path.read_bytes()
    except OSError as error:
        raise DocumentUnreadable(source, error.strerror or type(error).__name__) from error


def content_hash(data: bytes) -> str:
    """What tells a changed document from an unchanged one: its bytes, and how this program reads them."""
    return hashlib.sha256(_READING.encode() + b"\0" + data).hexdigest()[:32]


def parse(data: bytes, *, name: str, origin: str, source: str) -> Document:
    """Read `data`; the ending of `name` tells its kind. Raises a `DocumentError`, `EmptyDocument` among them."""
    refuse_unsupported(name, source=source)
    parsed = _loaded(data, name=name, source=source)
    blocks = tuple(_mended(block) for block in parsed.blocks if block.text.strip())
    if not blocks:
        raise EmptyDocument(source)
    title = mended(parsed.title or _title_from_name(name))
    return Document(origin=origin, source=source, title=title, hash=content_hash(data), blocks=blocks, note=parsed.note)


def _loaded(data: bytes, *, name: str, source: str) -> Parsed:
    """What the loader for `name` makes of it. One that is not prepared for such a file damns that file alone."""
    try:
        return LOADERS[_ending(name)](data, source)
    except KnowledgeError:
        raise
    except Exception as error:
        raise DamagedDocument(source, f"it cannot be read ({type(error).__name__})") from error


def _mended(block: Block) -> Block:
    headings = tuple(map(mended, block.headings))
    return replace(block, text=mended(block.text), headings=headings, lead=mended(block.lead))


def load(path: Path, *, source: str | None = None, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
    """Read one file. `source` is the name shown for it (its file name if None). Raises a `DocumentError`."""
    source = source or path.name
    data = read_bytes(path, source=source, max_bytes=max_bytes)
    return parse(data, name=path.name, origin=path.resolve().as_posix(), source=source)


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower()


def _title_from_name(name: str) -> str:
    words = PurePath(name).stem.replace("_", " ").replace("-", " ").split()
    return " ".join(words).capitalize() or name
