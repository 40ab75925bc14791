"""Word error rate."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Errors:
    """Wrong, missing and added words, against the number of words said."""

    wrong: int = 0
    said: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.wrong + other.wrong, self.said + other.said)

    @property
    def rate(self) -> float:
        """Wrong words for each word said."""
        return self.wrong / max(1, self.said)


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to replace, drop or add to turn one into the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def word_errors(said: str, heard: str) -> Errors:
    """The errors of one sentence."""
    return Errors(distance(said.split(), heard.split()), len(said.split()))


def total(pairs: Sequence[tuple[str, str]]) -> Errors:
    """The errors of all (said, heard) pairs together."""
    return sum((word_errors(said, heard) for said, heard in pairs), Errors())
