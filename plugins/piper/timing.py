"""When each written word is spoken, from when the voice's phoneme groups are.

The phonemizer runs some words together ("in the" is one group) and may split others, so groups and spoken words are
matched by their lengths. A written piece said with several words ("7:30") spans all of them; a piece written as
several words ("7:30 am") is divided by length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.piper.spoken import Part

STEPS = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))
"""How many words may match how many groups."""


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


def _best_matches(words: Sequence[str], groups: Sequence[Group]) -> list[tuple[int, int, int, int]]:
    """The cheapest way to pair runs of words with runs of groups: (first word, after last, first group, after last)."""
    per_letter = sum(group.phonemes for group in groups) / (sum(len(word) for word in words) or 1)
    costs = {(0, 0): (0.0, (0, 0))}
    for i in range(len(words) + 1):
        for j in range(len(groups) + 1):
            options = [
                (costs[i - a, j - b][0] + _mismatch(words[i - a : i], groups[j - b : j], per_letter), (i - a, j - b))
                for a, b in STEPS
                if (i - a, j - b) in costs
            ]
            if options:
                costs[i, j] = min(options)
    return _path_back(costs, len(words), len(groups))


def _path_back(
    costs: dict[tuple[int, int], tuple[float, tuple[int, int]]], words: int, groups: int
) -> list[tuple[int, int, int, int]]:
    if (words, groups) not in costs:
        return [(0, words, 0, groups)]
    path: list[tuple[int, int, int, int]] = []
    place = (words, groups)
    while place != (0, 0):
        before = costs[place][1]
        path.append((before[0], place[0], before[1], place[1]))
        place = before
    return path[::-1]


def _mismatch(words: Sequence[str], groups: Sequence[Group], per_letter: float) -> float:
    """How unlike two runs are in length; pairing one to one is preferred among equals."""
    letters = sum(sum(character.isalnum() for character in word) for word in words)
    phonemes = sum(group.phonemes for group in groups)
    return abs(letters * per_letter - phonemes) + 0.5 * (len(words) + len(groups) - 2)
