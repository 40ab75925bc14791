"""CSV: one row of text per line, each with the names of its columns."""

import csv
from collections.abc import Iterator
from io import StringIO

from knowledge.composing import Composer
from knowledge.decoding import decode
from knowledge.errors import DamagedDocument
from knowledge.prose import Parsed

_SNIFFED_CHARS = 20_000
_DELIMITERS = ",;\t|"


def load_csv(data: bytes, source: str) -> Parsed:
    """Read comma, semicolon, tab or bar separated values; the first line names the columns.

    Raises what `decode` raises, and `DamagedDocument` naming the line.
    """
    rows = _rows(decode(data, source), source)
    header = next(rows, [])
    composer = Composer()
    for row in rows:
        composer.row(header, row)
    return composer.finish()


def _rows(text: str, source: str) -> Iterator[list[str]]:
    reader = csv.reader(StringIO(text), delimiter=_delimiter(text), strict=True, skipinitialspace=True)
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                yield cells
    except csv.Error as error:
        raise DamagedDocument(source, f"line {reader.line_num}: {error}") from error


def _delimiter(text: str) -> str:
    """The one that stands most often in the first line."""
    first = text.lstrip("\n")[:_SNIFFED_CHARS].split("\n", 1)[0]
    return max(_DELIMITERS, key=first.count)
