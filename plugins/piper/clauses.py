"""Cut running text into clauses that can be spoken one after another.

The first clause is short, so that speech starts early: it may end at a comma, or before a joining word once it has
grown long. Later clauses are sentences. A cut never falls inside a number, a time, an abbreviation, an e-mail
address or a URL, and joining the clauses gives back the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

CLOSERS = "\"'”’»)\\]*_"
SENTENCE_MARK = re.compile(rf"(?:(?<![.!?…])[.!?…]++[{CLOSERS}]*+(?=\s)|[。！？]|\n)")
CLAUSE_MARK = re.compile(rf"(?:[,;:][{CLOSERS}]*|\s[–—-])(?=\s)|—|[，；：、]")
WORD = re.compile(r"\S+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words("dr mr mrs ms prof st mt rev hon gen col capt lt sgt messrs e.g i.e vs approx ca cf tel ext")
BEFORE_NUMBERS = _words("no nos fig figs p pp vol ch art sec para op")
MAY_END = _words(
    "a.m p.m am pm etc inc ltd co corp bros jr sr ph.d u.s u.k u.s.a min mins hr hrs sec km cm mm kg lb oz ft "
    "ave rd blvd apt dept mon tue tues wed thu thur thurs fri sat sun "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
JOINERS = _words(
    "and but or so because which who while when where whereas although though if unless until after before since "
    "then with without from for including"
)
LEANS_FORWARD = _words(
    "a an the of at to in on by for from with your our my his her its their this that these those is are was were be "
    "and or but not no if as than very more most about around per between will can may must should would could"
)
UNITS = _words(
    "am pm a.m. p.m. percent euro euros dollar dollars pound pounds cent cents hour hours minute minutes second "
    "seconds day days metre metres meter meters km kilometres kilometers kg grams litres degrees o'clock"
)


@dataclass(frozen=True)
class Cutting:
    """How eagerly to cut, in words."""

    first_min: int = 2
    first_max: int = 12
    later_max: int = 32
    max_chars: int = 400
    """Text without any place to cut is cut here all the same."""


class ClauseCutter:
    """Feed text as it is written; get each clause as soon as it is safe to speak it."""

    def __init__(self, cutting: Cutting = Cutting()) -> None:
        self._cutting = cutting
        self._pending = ""
        self._is_first = True

    def feed(self, delta: str) -> list[str]:
        """Add text and take the clauses that are complete now."""
        self._pending += delta
        clauses: list[str] = []
        while end := self._next_cut():
            clauses.append(self._pending[:end])
            self._pending = self._pending[end:]
            self._is_first = False
        return clauses

    def flush(self) -> list[str]:
        """Take what is left; the text is over."""
        rest, self._pending = self._pending, ""
        self._is_first = True
        return [rest] if rest.strip() else []

    def _next_cut(self) -> int | None:
        find = first_cut if self._is_first else later_cut
        end, limit = find(self._pending, self._cutting), self._cutting.max_chars
        if (end or len(self._pending)) <= limit:
            return end
        return self._pending.rfind(" ", 1, limit) + 1 or limit


def cut(text: str, cutting: Cutting = Cutting()) -> list[str]:
    """The clauses of a whole text."""
    cutter = ClauseCutter(cutting)
    return cutter.feed(text) + cutter.flush()


def first_cut(text: str, cutting: Cutting) -> int | None:
    """Where the first clause ends, or `None` while it may still go on."""
    for end in merge(_marks(SENTENCE_MARK, text), _marks(CLAUSE_MARK, text)):
        ended = _sentence_ends(text, end) or _clause_ends(text, end, cutting.first_min)
        if ended is None:
            return None
        if ended:
            return end
    return _cut_between_words(text, cutting.first_max)


def later_cut(text: str, cutting: Cutting) -> int | None:
    """Where a later clause ends: at its sentence's end, or at its last inner mark if it is very long."""
    for end in _marks(SENTENCE_MARK, text):
        ended = _sentence_ends(text, end)
        if ended is None:
            return None
        if ended:
            return end
    if _count_words(text) <= cutting.later_max:
        return None
    for end in reversed([*_marks(CLAUSE_MARK, text)]):
        if _clause_ends(text, end, cutting.first_min):
            return end
    return _cut_between_words(text, cutting.later_max)


def _marks(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    """Where the marks end that something stands before, or that are something themselves; one by one."""
    blank = len(text) - len(text.lstrip())
    return (match.end() for match in pattern.finditer(text) if match.end() > blank)


def _sentence_ends(text: str, end: int) -> bool | None:
    """Whether a sentence ends at `end`; `None` when only the next word can tell."""
    before = text[:end].rstrip(CLOSERS + "\\")
    mark = before[-1:]
    if text[end - 1] == "\n" or mark in "!?…。！？":
        return True
    if mark != ".":
        return False
    if before.endswith("..."):
        return True
    *earlier, last = before.rsplit(maxsplit=1)
    word = last.lstrip("\"'“‘«([*_")[:-1]
    return _period_ends(word, following=text[end:].lstrip()[:1], is_alone=not earlier)


def _period_ends(word: str, *, following: str, is_alone: bool) -> bool | None:
    """Whether the period after `word` ends a sentence, seeing the first character of the next word."""
    lowered = word.lower()
    if lowered in TITLES or (len(word) == 1 and word.isupper() and word != "I"):
        return False
    if is_alone and word.isdigit():
        return False
    if lowered in BEFORE_NUMBERS:
        return None if not following else not following.isdigit()
    if lowered in MAY_END:
        return None if not following else not (following.islower() or following.isdigit())
    return True


def _clause_ends(text: str, end: int, min_words: int) -> bool | None:
    """Whether the inner mark at `end` is a place to breathe; `None` when only the next word can tell."""
    before = text[:end]
    if not CLAUSE_MARK.search(before[-3:] + " ") or not _has_words(before, min_words):
        return False
    following = text[end:].lstrip()[:1]
    if before.rstrip(",;:–—- ")[-1:].isdigit():
        return None if not following else not following.isdigit()
    return True


def _cut_between_words(text: str, max_words: int) -> int | None:
    """A cut for text without marks: before a joining word if there is one, else at the last place that holds."""
    words = list(WORD.finditer(text))
    if len(words) <= max_words:
        return None
    places = [index for index in range(3, max_words + 1) if _holds(words[index - 1].group(), words[index].group())]
    joints = [index for index in places if words[index].group().lower() in JOINERS]
    late = [index for index in joints if index * 2 >= max_words]
    chosen = late[:1] or (joints or places)[-1:]
    return words[chosen[0] - 1].end() if chosen else None


def _holds(left: str, right: str) -> bool:
    """Whether two neighbouring words may be spoken apart."""
    if (
        left.lower() in LEANS_FORWARD
        or right.lower() == "of"
        or left.rstrip(".").lower() in TITLES | BEFORE_NUMBERS
        or left[-1] in "$€£&+"
    ):
        return False
    has_number = any(character.isdigit() for character in left)
    return not (has_number and (right.lower().rstrip(".,;:!?") in UNITS or any(c.isdigit() for c in right)))


def _count_words(text: str) -> int:
    return len(WORD.findall(text))


def _has_words(text: str, least: int) -> bool:
    """Whether it has so many, without counting those beyond."""
    return sum(1 for _ in islice(WORD.finditer(text), least)) >= least
