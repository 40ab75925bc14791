"""A row of a table, column by column, where one cell may span several: what the loaders of tables share."""

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """What stands in one column of a row."""

    words: str
    is_first: bool
    """Whether this is the first column that its cell spans."""


def own_words(row: Sequence[Place]) -> list[str]:
    """The words of each column; those of a cell that spans several only in its first."""
    return [place.words if place.is_first else "" for place in row]


def cell_count(row: Sequence[Place]) -> int:
    """How many cells begin in the row."""
    return sum(place.is_first for place in row)
