"""DOCX: paragraphs, lists and tables of a Word document under its headings."""

import re
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

from knowledge.composing import Composer
from knowledge.errors import DamagedDocument, EncryptedDocument
from knowledge.prose import Parsed

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0"
"""How password-protected Office files begin."""
_MAX_UNPACKED_BYTES = 500_000_000


def load_docx(data: bytes, source: str) -> Parsed:
    """Read a Word document. Raises `EncryptedDocument`, `DamagedDocument`."""
    if data.startswith(_OLE):
        raise EncryptedDocument(source)
    document = _opened(data, source)
    composer = Composer()
    for part in document.iter_inner_content():
        if hasattr(part, "rows"):
            _leave_list(composer)
            _read_table(part, composer)
        else:
            _read_paragraph(part, composer)
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


def _read_paragraph(paragraph: "Paragraph", composer: Composer) -> None:
    text = _words(paragraph.text)
    style = paragraph.style.name or "" if paragraph.style else ""
    heading = _HEADING.match(style)
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


def _is_item(paragraph: "Paragraph", style: str) -> bool:
    properties: Any = paragraph._p.pPr  # pyright: ignore[reportPrivateUsage]  # the library has no public way to lists
    return style.startswith("List") or (properties is not None and properties.numPr is not None)


def _leave_list(composer: Composer) -> None:
    if composer.is_in_list:
        composer.end_list()


def _read_table(table: "Table", composer: Composer) -> None:
    rows = [_cells(row) for row in table.rows]
    if len(rows) == 1 or all(len(row) == 1 for row in rows):
        for cell in (cell for row in rows for cell in row):
            composer.text(cell)
        return
    for row in rows[1:]:
        composer.row(rows[0], row)


def _cells(row: Any) -> list[str]:
    """The words of each cell, once for a cell that spans several columns."""
    cells: list[Any] = []
    for cell in row.cells:
        if not cells or cell._tc is not cells[-1]._tc:
            cells.append(cell)
    return [_words(cell.text) for cell in cells]


def _words(text: str) -> str:
    return " ".join(text.split())
