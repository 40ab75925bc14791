"""JSON Lines: one record per line, each field with its name."""

import json
from collections.abc import Iterator
from typing import Any, cast

from knowledge.composing import Composer
from knowledge.decoding import decode
from knowledge.errors import DamagedDocument
from knowledge.prose import Parsed

_TITLES = ("title", "heading", "name", "question")
_LONG_CHARS = 200
"""A longer field is prose, not a cell."""


def load_jsonl(data: bytes, source: str) -> Parsed:
    """Read a record from each line. A record's title is its heading, long fields are paragraphs, the rest is one row.

    Raises what `decode` raises, and `DamagedDocument` naming the line.
    """
    composer = Composer()
    for number, line in enumerate(decode(data, source).split("\n"), start=1):
        if line.strip():
            _read(_record(line, number, source), composer)
    return composer.finish()


def _record(line: str, number: int, source: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DamagedDocument(source, f"line {number} is not JSON") from error


def _read(record: object, composer: Composer) -> None:
    fields = list(_fields(record))
    title = next((value for name, value in fields if name.lower() in _TITLES), "")
    prose = [value for _, value in fields if len(value) > _LONG_CHARS]
    composer.leave_headings()
    if title and prose:
        composer.heading(2, title)
        fields = [(name, value) for name, value in fields if value != title]
    for value in prose:
        composer.text(value)
    cells = [(name, value) for name, value in fields if len(value) <= _LONG_CHARS]
    composer.row([name for name, _ in cells], [value for _, value in cells])


def _fields(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every field with its name, those of nested records after the names of the outer ones."""
    match value:
        case dict():
            for key, inner in cast(dict[str, Any], value).items():
                yield from _fields(inner, f"{name} {key}".strip())
        case list():
            items = cast(list[Any], value)
            if any(isinstance(item, dict | list) for item in items):
                for item in items:
                    yield from _fields(item, name)
            else:
                yield name, "; ".join(map(_shown, items))
        case None:
            pass
        case _:
            yield name, _shown(value)


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else " ".join(str(value).split())
