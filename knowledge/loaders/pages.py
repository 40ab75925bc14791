"""Printed lines to paragraphs: what stands on every page goes, what is set larger is a heading."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.composing import Composer
from knowledge.prose import Parsed

_LARGER = 1.15
"""Times the size of the running text: a heading."""
_MAX_HEADING_CHARS = 100
_WIDER_GAP = 1.5
"""Times the usual distance of two lines: a new paragraph."""
_REPEATED_SHARE = 0.5
_MIN_PAGES_TO_REPEAT = 3
_EDGE_LINES = 2
_BULLET = re.compile(r"^(?:[-*•–▪◦●]|\d{1,3}[.)])\s+(?=\S)")
_ENDS = (".", "!", "?", ":", "…", ".”", '."', ".)")


@dataclass(frozen=True)
class Line:
    """A printed line: its words, the size of its letters and its distance from the page's bottom, in points."""

    text: str
    size: float
    top: float


def compose(pages: Sequence[Sequence[Line]], *, title: str | None) -> Parsed:
    """The document on these pages. Its blocks carry the page that they begin on."""
    body = _body_size(pages)
    levels = _heading_levels(pages, body)
    repeated = _repeated(pages)
    paragraphs = _Paragraphs(gap=_usual_gap(pages))
    for number, page in enumerate(pages, start=1):
        for place, line in enumerate(page):
            if _key(line) in repeated and _is_at_edge(place, page):
                continue
            paragraphs.take(line, number, level=levels.get(round(line.size), 0) if _may_be_heading(line) else 0)
    return paragraphs.finish(title=title)


class _Paragraphs:
    """Joins lines into paragraphs, over the ends of pages as well."""

    def __init__(self, *, gap: float) -> None:
        self._composer = Composer()
        self._gap = gap
        self._words: list[str] = []
        self._level = 0
        self._page = 0
        self._last: Line | None = None
        self._last_page = 0

    def take(self, line: Line, page: int, *, level: int) -> None:
        if self._words and not self._goes_on(line, page, level):
            self._flush()
        if not self._words:
            self._page, self._level = page, level
        self._words.append(line.text)
        self._last, self._last_page = line, page

    def finish(self, *, title: str | None) -> Parsed:
        self._flush()
        return self._composer.finish(title=title)

    def _goes_on(self, line: Line, page: int, level: int) -> bool:
        if level or self._level:
            return level == self._level and page == self._last_page and not self._is_apart(line)
        if _BULLET.match(line.text):
            return False
        if page != self._last_page:
            return not self._words[-1].endswith(_ENDS) and line.text[0].islower()
        return not self._is_apart(line)

    def _is_apart(self, line: Line) -> bool:
        fallen = (self._last.top if self._last else 0.0) - line.top
        return self._gap > 0 and (fallen > _WIDER_GAP * self._gap or fallen < -self._gap)

    def _flush(self) -> None:
        text = _joined(self._words)
        self._composer.page = self._page
        if self._level:
            self._composer.heading(self._level, text)
        elif text:
            self._composer.text(_BULLET.sub("", text))
        self._words = []


def _joined(lines: Sequence[str]) -> str:
    """One line of text, words that were broken at line ends whole again."""
    text = ""
    for line in lines:
        if text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower():
            text = text[:-1] + line
        else:
            text = f"{text} {line}".strip()
    return text


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    """The size that most letters have."""
    letters: Counter[int] = Counter()
    for page in pages:
        for line in page:
            letters[round(line.size)] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0


def _heading_levels(pages: Sequence[Sequence[Line]], body: float) -> dict[int, int]:
    """By size, the largest first: which level of heading it is."""
    sizes = {round(line.size) for page in pages for line in page if line.size > _LARGER * body}
    return {size: level for level, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _may_be_heading(line: Line) -> bool:
    return len(line.text) <= _MAX_HEADING_CHARS and any(letter.isalpha() for letter in line.text)


def _usual_gap(pages: Sequence[Sequence[Line]]) -> float:
    """The distance between two lines of a paragraph; 0 where it cannot be told."""
    gaps: Counter[int] = Counter()
    for page in pages:
        for above, below in zip(page, page[1:], strict=False):
            if above.top > below.top:
                gaps[round(above.top - below.top)] += 1
    most = max(gaps.values(), default=0)
    return float(min((gap for gap, count in gaps.items() if count == most), default=0))


def _repeated(pages: Sequence[Sequence[Line]]) -> frozenset[str]:
    """Running heads and feet: lines at the edges of most pages, whatever number they carry."""
    if len(pages) < _MIN_PAGES_TO_REPEAT:
        return frozenset()
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_key(line) for place, line in enumerate(page) if _is_at_edge(place, page)})
    return frozenset(key for key, count in counts.items() if count > _REPEATED_SHARE * len(pages))


def _is_at_edge(place: int, page: Sequence[Line]) -> bool:
    edge = min(_EDGE_LINES, len(page) // 3)
    return place < edge or place >= len(page) - edge


def _key(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text)
