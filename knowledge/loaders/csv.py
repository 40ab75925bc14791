"""CSV: one row of text per line, each with the names of its columns."""

import csv
import re
from collections.abc import Iterator
from io import StringIO

from knowledge.composing import Composer
from knowledge.decoding import decode
from knowledge.errors import DamagedDocument
from knowledge.prose import Parsed

_SNIFFED_CHARS = 20_000
_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(rf"\"?sep=([{_DELIMITERS}])\"?\n", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


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
    text, delimiter = _told(text)
    reader = csv.reader(StringIO(text), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                yield cells
    except csv.Error as error:
        raise DamagedDocument(source, f"line {reader.line_num}: {error}") from error


def _told(text: str) -> tuple[str, str]:
    """The table and its delimiter: what a first line for spreadsheets says, or what stands most often between names."""
    if said := _SEPARATOR.match(text):
        return "\n" + text[said.end() :], said[1]
    first = _QUOTED.sub("", text[:_SNIFFED_CHARS].lstrip("\n")).split("\n", 1)[0]
    return text, max(_DELIMITERS, key=first.count)
