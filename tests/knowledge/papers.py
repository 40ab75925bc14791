"""Small documents of the kinds that are not text."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from docx import Document
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from pypdf import PdfReader, PdfWriter

Page = Sequence[tuple[int, int, str]]
"""Lines as (size of the letters, distance from the page's bottom, words)."""


def pdf(*pages: Page) -> bytes:
    """A PDF with these lines, in Helvetica."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[int] = []
    for page in pages:
        drawn = b"".join(b"BT /F1 %d Tf 72 %d Td (%s) Tj ET\n" % (size, top, text.encode()) for size, top, text in page)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
        font = b"/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R %s >>" % (len(objects), font)
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    return _with_table(objects)


def _with_table(objects: Sequence[bytes]) -> bytes:
    out, offsets = b"%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + trailer


def locked(data: bytes, *, password: str, owner_password: str = "owner") -> bytes:
    """The same PDF, encrypted."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(data)))
    writer.encrypt(password, owner_password=owner_password, algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def docx() -> bytes:
    """A Word document with a title, headings, lists and a table with a cell over two columns."""
    document = Document()
    document.add_heading("House rules", 0)
    document.add_heading("Pets", 1)
    document.add_paragraph("Dogs stay out.")
    document.add_paragraph("Please bring:")
    document.add_paragraph("a towel for the dog", style="List Bullet")
    document.add_paragraph("its basket", style="List Number")
    document.add_heading("Prices", 1)
    table = document.add_table(3, 2)
    for row, cells in enumerate((("Room", "Price"), ("Lake", "120 euros"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(2, 0).merge(table.cell(2, 1)).text = "Children are free"
    document.add_heading("Bar", 2)
    document.add_paragraph("It opens late.")
    return _saved(document)


def edited_docx() -> bytes:
    """A Word document with tracked changes, controls, a text box, and tables whose cells span others."""
    document = Document()
    price = document.add_paragraph("Breakfast costs ")._p
    price.append(_word('<w:ins><w:r><w:t xml:space="preserve">12 </w:t></w:r></w:ins>'))
    price.append(_word("<w:del><w:r><w:delText>10</w:delText></w:r></w:del>"))
    price.append(_word("<w:moveFrom><w:r><w:t>dollars.</w:t></w:r></w:moveFrom>"))
    price.append(_word("<w:sdt><w:sdtPr/><w:sdtContent><w:r><w:t>euros.</w:t></w:r></w:sdtContent></w:sdt>"))
    price.append(
        _word(
            "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>Tea is free.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
        )
    )
    hall = "<w:sdtContent><w:p><w:r><w:t>It is in the hall.</w:t></w:r></w:p></w:sdtContent>"
    price.addnext(_word(f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr>{hall}</w:sdt>"))
    price.addnext(_word(f"<w:sdt><w:sdtPr/>{hall}</w:sdt>"))
    table = document.add_table(5, 3)
    table.cell(0, 0).merge(table.cell(0, 2)).text = "Rooms of this year"
    table.cell(2, 0).merge(table.cell(3, 0))
    table.cell(4, 0).merge(table.cell(4, 1))
    cells = {
        1: ("Room", "Season", "Price"),
        2: ("Lake", "summer", "120"),
        3: ("", "winter", "80"),
        4: ("Attic", "", "60"),
    }
    for row, texts in cells.items():
        for column, text in enumerate(texts):
            if text:
                table.cell(row, column).text = text
    table.cell(4, 2).add_table(1, 1).cell(0, 0).text = "euros"
    return _saved(document)


def annotated_docx(*, child: str = "For children 6.") -> bytes:
    """A Word document with a footnote under its price and an endnote under its table."""
    document = Document()
    _refer(document.add_paragraph("Breakfast costs 12 euros."), "footnote", "2")
    document.add_paragraph("Dogs stay out.")
    table = document.add_table(2, 2)
    for place, text in enumerate(("Room", "Price", "Lake", "120 euros")):
        table.cell(*divmod(place, 2)).text = text
    _refer(table.cell(1, 1).paragraphs[0], "endnote", "1")
    _add_note(document, "footnote", "2", child)
    _add_note(document, "endnote", "1", "In summer only.")
    return _saved(document)


def _refer(paragraph: Any, kind: str, number: str) -> None:
    paragraph._p.append(_word(f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'))


def _add_note(document: Any, kind: str, number: str, text: str) -> None:
    """Beside the line above the notes, which Word keeps as one of them."""
    line = f'<w:{kind} w:type="separator" w:id="0"><w:p/></w:{kind}>'
    note = f'<w:{kind} w:id="{number}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:{kind}>'
    markup = f"<w:{kind}s {nsdecls('w')}>{line}{note}</w:{kind}s>".encode()
    part = Part(PackURI(f"/word/{kind}s.xml"), "application/xml", markup, document.part.package)
    document.part.relate_to(part, f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}s")


def _word(markup: str) -> Any:
    """An element in the language of Word documents."""
    name, rest = markup.split(">", 1)
    return parse_xml(f"{name} {nsdecls('w')}>{rest}")


def broken_docx() -> bytes:
    """A Word document whose table merges its first cell with one above it."""
    document = Document()
    cell = document.add_table(rows=1, cols=1).cell(0, 0)
    cell.text = "Dogs stay out."
    merge = OxmlElement("w:vMerge")
    merge.set(qn("w:val"), "continue")
    cell._element.get_or_add_tcPr().append(merge)
    return _saved(document)


def _saved(document: Any) -> bytes:
    out = BytesIO()
    document.save(out)
    return out.getvalue()
