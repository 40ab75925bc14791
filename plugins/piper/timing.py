"""When each written word is spoken, from when the voice's phoneme groups are.

The phonemizer runs some words together ("in the" is one group) and may split others, so groups and spoken words are
matched by their lengths. A written piece said with several words ("7:30") spans all of them; a piece written as
several words ("7:30 am") is divided by length.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from plugins.piper.spoken import Part

STEPS = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))
"""How many words may match how many groups."""
Match = tuple[int, int, int, int]
"""First word, word after the last, first group, group after the last."""
FARTHEST = 12
"""Matches that stray this many words from the diagonal are not considered."""


@dataclass(frozen=True)
class Word:
    """A written word and when it is heard, in seconds from the start of its piece of audio."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Group:
    """Phonemes spoken without a gap: how many, and from when to when in seconds."""

    phonemes: int
    start_s: float
    end_s: float


def time_words(parts: Sequence[Part], groups: Sequence[Group]) -> tuple[Word, ...]:
    """Times for every written word; silent ones (emoji) get no length, just before the next word."""
    spoken = [word for part in parts for word in part.spoken.split()]
    spans = match_words(spoken, groups)
    words: list[Word] = []
    position, now_s = 0, groups[0].start_s if groups else 0.0
    for part in parts:
        count = len(part.spoken.split())
        own = spans[position : position + count]
        position += count
        start_s, end_s = (own[0][0], own[-1][1]) if own else (now_s, now_s)
        words += divide(part.written.split(), start_s, end_s)
        now_s = end_s
    return tuple(words)


def match_words(words: Sequence[str], groups: Sequence[Group]) -> list[tuple[float, float]]:
    """A span in seconds for each spoken word, in order."""
    if not words or not groups:
        return [(0.0, 0.0)] * len(words)
    spans: list[tuple[float, float]] = []
    for first, last, start, end in _best_matches(words, groups):
        pieces = divide(words[first:last], groups[start].start_s, groups[end - 1].end_s)
        spans += [(piece.start_s, piece.end_s) for piece in pieces]
    return spans


def divide(words: Sequence[str], start_s: float, end_s: float) -> list[Word]:
    """Words that share a span, each with a part as long as its share of the letters."""
    total = sum(len(word) for word in words) or 1
    divided: list[Word] = []
    at_s = start_s
    for word in words:
        until_s = at_s + (end_s - start_s) * len(word) / total
        divided.append(Word(word, at_s, until_s))
        at_s = until_s
    return divided


def _best_matches(words: Sequence[str], groups: Sequence[Group]) -> list[Match]:
    """The cheapest way to pair runs of words with runs of groups; pairing one to one is preferred among equals."""
    letters = list(accumulate((_letters(word) for word in words), initial=0))
    phonemes = list(accumulate((group.phonemes for group in groups), initial=0))
    per_letter = phonemes[-1] / (letters[-1] or 1)
    costs = {(0, 0): 0.0}
    came_from: dict[tuple[int, int], tuple[int, int]] = {}
    for i, j in _near_diagonal(len(words), len(groups)):
        for a, b in STEPS:
            before = (i - a, j - b)
            if before in costs:
                mismatch = abs((letters[i] - letters[i - a]) * per_letter - (phonemes[j] - phonemes[j - b]))
                cost = costs[before] + mismatch + 0.5 * (a + b - 2)
                if cost < costs.get((i, j), math.inf):
                    costs[i, j], came_from[i, j] = cost, before
    return _path(came_from, (len(words), len(groups)))


def _near_diagonal(words: int, groups: int) -> Iterator[tuple[int, int]]:
    for i in range(1, words + 1):
        middle, reach = i * groups / words, FARTHEST * max(1.0, groups / words)
        for j in range(max(1, round(middle - reach)), min(groups, round(middle + reach)) + 1):
            yield i, j


def _path(came_from: dict[tuple[int, int], tuple[int, int]], end: tuple[int, int]) -> list[Match]:
    """The matches on the way to `end`; if there is no way, everything matches everything."""
    if end not in came_from:
        return [(0, end[0], 0, end[1])]
    path: list[Match] = []
    while end != (0, 0):
        before = came_from[end]
        path.append((before[0], end[0], before[1], end[1]))
        end = before
    return path[::-1]


def _letters(word: str) -> int:
    return sum(character.isalnum() for character in word)
