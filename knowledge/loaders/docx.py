"""DOCX: paragraphs, lists, tables and notes of a Word document under its headings."""

import re
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

from knowledge.composing import Composer
from knowledge.errors import DamagedDocument, EncryptedDocument
from knowledge.loaders.columns import Place, cell_count, own_words
from knowledge.loaders.docx_markup import PARAGRAPH, TEXT_BOX, flatten
from knowledge.loaders.docx_notes import Notes
from knowledge.prose import Parsed

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_CONTENTS = re.compile(r"toc( heading| \d)", re.IGNORECASE)
"""Styles of a table of contents, which says nothing that the headings do not."""
_OLE = b"\xd0\xcf\x11\xe0"
"""How password-protected Office files begin."""
_MAX_UNPACKED_BYTES = 500_000_000


def load_docx(data: bytes, source: str) -> Parsed:
    """Read a Word document. Raises `EncryptedDocument`, `DamagedDocument`."""
    if data.startswith(_OLE):
        raise EncryptedDocument(source)
    document = _opened(data, source)
    flatten(document.element.body)
    composer, notes = Composer(), _notes(document, source)
    for part in document.iter_inner_content():
        if hasattr(part, "rows"):
            _leave_list(composer)
            _read_table(part, composer)
        else:
            _read_paragraph(part, composer)
            _read_boxes(part, composer)
        for note in notes.of(part._element):  # pyright: ignore[reportPrivateUsage]  # nor a way to what is referred to
            composer.text(note)
    return composer.finish(title=_words(document.core_properties.title or "") or None)


def _opened(data: bytes, source: str) -> Any:
    from docx import Document
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import LxmlError

    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
        if unpacked_bytes > _MAX_UNPACKED_BYTES:
            raise DamagedDocument(source, f"it unpacks to {unpacked_bytes / 1e9:.1f} GB")
        return Document(BytesIO(data))
    except (zipfile.BadZipFile, PackageNotFoundError, LxmlError, KeyError, ValueError, OSError) as error:
        raise DamagedDocument(source, "it is not a whole DOCX file") from error


def _notes(document: Any, source: str) -> Notes:
    from lxml.etree import LxmlError

    try:
        return Notes(document)
    except LxmlError as error:
        raise DamagedDocument(source, "its footnotes are no XML") from error


def _read_paragraph(paragraph: "Paragraph", composer: Composer) -> None:
    text = _words(paragraph.text)
    style = paragraph.style.name or "" if paragraph.style else ""
    heading = _HEADING.match(style)
    if _CONTENTS.fullmatch(style):
        return
    if not heading and _is_item(paragraph, style):
        if not composer.is_in_list:
            composer.begin_list()
        composer.text(text)
        return
    _leave_list(composer)
    if heading or style == "Title":
        composer.heading(int(heading.group(1)) + 1 if heading else 1, text)
    else:
        composer.text(text)


def _read_boxes(paragraph: "Paragraph", composer: Composer) -> None:
    """The text boxes that hang on a paragraph."""
    for box in paragraph._p.iter(TEXT_BOX):  # pyright: ignore[reportPrivateUsage]  # nor a way to text boxes
        composer.text(_words_in(box, paragraph))


def _is_item(paragraph: "Paragraph", style: str) -> bool:
    properties: Any = paragraph._p.pPr  # pyright: ignore[reportPrivateUsage]  # the library has no public way to lists
    return style.startswith("List") or (properties is not None and properties.numPr is not None)


def _leave_list(composer: Composer) -> None:
    if composer.is_in_list:
        composer.end_list()


def _read_table(table: "Table", composer: Composer) -> None:
    rows = [_places(row) for row in table.rows]
    captions = next((place for place, row in enumerate(rows) if cell_count(row) > 1), len(rows))
    captions += len(rows) == captions + 1  # names of columns and no rows
    for row in rows[:captions]:
        for words in own_words(row):
            composer.text(words)
    _read_rows(rows[captions:], composer)


def _read_rows(rows: list[list[Place]], composer: Composer) -> None:
    if not rows:
        return
    header = [place.words for place in rows[0]]
    for row in rows[1:]:
        composer.row(header, own_words(row))


def _places(row: Any) -> list[Place]:
    cells = list(row.cells)
    befores = [None, *cells]
    return [
        Place(_words_in(cell._tc, cell), before is None or cell._tc is not before._tc)
        for cell, before in zip(cells, befores, strict=False)
    ]


def _words_in(element: Any, parent: Any) -> str:
    """The words of all paragraphs below an element, those of tables inside a cell among them."""
    from docx.text.paragraph import Paragraph

    return _words(" ".join(Paragraph(paragraph, parent).text for paragraph in element.iter(PARAGRAPH)))


def _words(text: str) -> str:
    return " ".join(text.split())
