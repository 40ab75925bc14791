"""Where prose may be cut: sentence ends that are really sentence ends.

A rule-based splitter: it knows abbreviations ("Dr.", "No. 5"), times ("7 a.m."), initials and decimals, and rather
joins two sentences than cuts one, because a sentence is what the agent may quote.
"""

import re

MAX_SENTENCE_CHARS = 400
"""Longer ones (lists without full stops, contracts) are cut at the best clause end before it."""

_MARK = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|[。！？]+[」』”]*")
_LAST_WORD = re.compile(r"[^\s\"'“”‘’«»()\[\]]+$")
_INITIALS = re.compile(r"(?:[A-Z]\.)*[A-Z]")
_OPENING = "\"'“”‘’«([–—-*•"
_LOOK_AHEAD_CHARS = 60
_LOOK_BACK_CHARS = 200
_CLAUSE_ENDS = ("; ", ": ", " – ", " — ", ", ", " ")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    """
    mr mrs ms mx dr prof st mt sr jr rev hon capt col gen lt sgt messrs mme mlle e.g i.e cf vs viz al approx ca incl
    excl resp est dept bldg
    """
)
"""Never the last word of a sentence."""
_BEFORE_NUMBERS = _words("no nos nr fig p pp vol art sec ch tel ext max min apt rm ca pos ed v")
"""Not the last word when a digit follows."""
_ENDS_SOMETIMES = _words("a.m p.m am pm etc inc ltd co corp ave blvd rd")
"""The last word only when a new sentence clearly starts: "until 7 p.m. Dinner follows" but "at 7 p.m. Monday"."""
_CALENDAR = _words(
    """
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    sundays january february march april may june july august september october november december
    """
)


def split_sentences(text: str, *, max_chars: int = MAX_SENTENCE_CHARS) -> list[str]:
    """Cut running text into sentences of at most `max_chars` characters, white space normalised; [] for blank text."""
    text = " ".join(text.split())
    is_lowercase = text == text.lower()
    sentences: list[str] = []
    start = 0
    for mark in _MARK.finditer(text):
        before = text[max(start, mark.start() - _LOOK_BACK_CHARS) : mark.start()]
        following = text[mark.end() : mark.end() + _LOOK_AHEAD_CHARS].lstrip()
        if _ends_sentence(before, mark.group(), following, is_lowercase=is_lowercase):
            sentences.append(text[start : mark.end()].strip())
            start = mark.end()
    sentences.append(text[start:].strip())
    return [piece for sentence in sentences if sentence for piece in cut_long(sentence, max_chars=max_chars)]


def cut_long(sentence: str, *, max_chars: int) -> list[str]:
    """Cut one over-long sentence at clause ends, else at spaces, else in mid-word."""
    pieces: list[str] = []
    while len(sentence) > max_chars:
        end = _best_cut(sentence, max_chars=max_chars)
        pieces.append(sentence[:end].rstrip())
        sentence = sentence[end:].lstrip()
    return [*pieces, sentence] if sentence else pieces


def _best_cut(sentence: str, *, max_chars: int) -> int:
    for clause_end in _CLAUSE_ENDS:
        at = sentence.rfind(clause_end, max_chars // 2, max_chars)
        if at > 0:
            return at + len(clause_end)
    return max_chars


def _ends_sentence(before: str, mark: str, following: str, *, is_lowercase: bool) -> bool:
    if not following or mark[0] in "。！？":
        return True
    first = following.lstrip(_OPENING + " ")[:1]
    if first.islower() and not is_lowercase:
        return False
    return not mark.startswith(".") or not _is_abbreviation(before, following)


def _is_abbreviation(before: str, following: str) -> bool:
    found = _LAST_WORD.search(before.lstrip())
    if found is None:
        return False
    word = found.group().lower()
    if word in _TITLES or _is_initial(found.group()):
        return True
    if word.isdigit() and found.start() == 0:
        return True
    if word in _BEFORE_NUMBERS:
        return following[:1].isdigit()
    return word.lstrip("0123456789:") in _ENDS_SOMETIMES and _goes_on(following)


def _is_initial(word: str) -> bool:
    return bool(_INITIALS.fullmatch(word)) and word != "I"


def _goes_on(following: str) -> bool:
    next_word = following.split()[0].strip(".,;:!?)").lower()
    return following[:1].isdigit() or following[:1].islower() or next_word in _CALENDAR
