"""Words that carry meaning, cut down so that "parking" meets "parks", and how rare each is in a collection."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import copy
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?::\d+)?")
_POSSESSIVE = re.compile(r"['’]s\b")
_ENDINGS = ("ing", "ies", "ied", "es", "ed", "er", "s", "y", "e")
_STEM_CHARS = 7
_SHORTEST_STEM = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP_WORDS = _words(
    """
    a an the of to in on at is are was were be been am do does did done i you we my your me our us it its how what
    when where who whom whose which why can could may might must shall should will would for and or but nor by from
    with without if please tell about there here have has had having any some this that these those they them their
    he she his her him as so than then also too just not no yes hi hello uh um okay ok excuse like want need know
    get got give let much many more most very really out up off into onto over under again
    """
)


def meaningful(text: str) -> frozenset[str]:
    """The stems of the words in `text`, without those that every English question has."""
    tokens = _WORD.findall(_POSSESSIVE.sub("", text.lower()))
    return frozenset(stem(token) for token in tokens if token not in _STOP_WORDS)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A rough common form of a lower-case word; numbers stay as they are."""
    if word[0].isdigit():
        return word
    while shorter := _without_ending(word):
        word = shorter
    if len(word) > _SHORTEST_STEM + 1 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:_STEM_CHARS]


def _without_ending(word: str) -> str:
    """The word without one ending, "" if it has none to lose."""
    kept = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    return next((stem for stem in kept if len(stem) >= _SHORTEST_STEM), "")


class Rarity:
    """How much a word tells in one collection: its inverse document frequency over sentences."""

    def __init__(self, sentences: Iterable[frozenset[str]]) -> None:
        self._count = 0
        self._holding: Counter[str] = Counter()
        self._also = frozenset[str]()
        for words in sentences:
            self._count += 1
            self._holding.update(words)

    def of(self, word: str) -> float:
        """Weight of a stem; the largest for one that no sentence has."""
        return math.log((self._count + 1) / (self._holding[word] + 0.5))

    def weigh(self, question: frozenset[str]) -> "Weighed":
        return Weighed({word: self.of(word) for word in question})

    def unknown(self, question: frozenset[str]) -> float:
        """How much of what the question says no sentence says, 0..1; 0 for a question without words."""
        total = sum(map(self.of, question))
        unknown = (word for word in question if not self._holding[word] and word not in self._also)
        return sum(map(self.of, unknown)) / total if total > 0 else 0.0

    def knowing(self, words: frozenset[str]) -> "Rarity":
        """The same, where `words` are known to stand in sentences that were not looked at."""
        more = copy(self)
        more._also = words
        return more


class Weighed:
    """The words of a question with what each tells."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._total = sum(weights.values())

    def shared(self, sentence: frozenset[str]) -> float:
        """How much of what the question says the sentence says too, 0..1; rare words count more."""
        if self._total <= 0:
            return 0.0
        return sum(weight for word, weight in self._weights.items() if word in sentence) / self._total
