"""The tables of a web page, column by column: cells may span several columns and rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bs4.element import Tag

from knowledge.loaders.columns import Place

MAX_COLUMNS = 1000
"""What a page claims beyond is left out: a few bytes can ask for any number."""


@dataclass(frozen=True)
class Grid:
    """The rows of a table, the first `heads` of them with the names of its columns."""

    rows: Sequence[Sequence[Place]]
    heads: int

    @property
    def header(self) -> list[str]:
        """The name of each column: where names have names above them, both."""
        heads = self.rows[: self.heads]
        columns = [[row[place].words for row in heads if place < len(row)] for place in range(max(map(len, heads)))]
        return [" ".join(filter(None, dict.fromkeys(names))) for names in columns]


def read_grid(table: Tag) -> Grid:
    """The table without those inside it. A cell that spans rows stands in each of them."""
    rows = [_cells(row) for row in _rows(table)]
    heads = next((place for place, row in enumerate(rows) if not _is_head(row)), 1)
    hanging: dict[int, tuple[Place, int]] = {}
    return Grid([_places(row, hanging) for row in rows], heads=max(1, heads))


def _rows(table: Tag) -> Iterator[Tag]:
    for row in table.find_all("tr"):
        if row.find_parent("table") is table:
            yield row


def _cells(row: Tag) -> list[Tag]:
    return [cell for cell in row.children if isinstance(cell, Tag) and cell.name in ("td", "th")]


def _is_head(row: Sequence[Tag]) -> bool:
    return all(cell.name == "th" for cell in row)


def _places(row: Sequence[Tag], hanging: dict[int, tuple[Place, int]]) -> list[Place]:
    """One row. `hanging` has the cells from above that reach into it, by column and for how many rows more."""
    places: list[Place] = []
    cells = iter(row)
    while len(places) < MAX_COLUMNS:
        if above := hanging.pop(len(places), None):
            _stand(places, *above, hanging)
        elif (cell := next(cells, None)) is not None:
            words, rows_more = " ".join(cell.get_text(" ").split()), _span(cell, "rowspan") - 1
            for number in range(min(_span(cell, "colspan"), MAX_COLUMNS - len(places))):
                _stand(places, Place(words, not number), rows_more, hanging)
        elif hanging and max(hanging) > len(places):
            places.append(Place("", False))
        else:
            break
    return places


def _stand(places: list[Place], place: Place, rows_more: int, hanging: dict[int, tuple[Place, int]]) -> None:
    if rows_more > 0:
        hanging[len(places)] = (place, rows_more - 1)
    places.append(place)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, ""))
    return int(value[:6]) if value.isdecimal() and value.isascii() else 1
