"""Plain text: paragraphs, lists and headings told from how the lines look."""

import re
from collections.abc import Iterator

from knowledge.decoding import decode
from knowledge.prose import Block, Outline, Parsed, title_from_headings

_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+(?=\S)")
_UNDERLINE = re.compile(r"^\s*(=+|-+|~+|\*+|_+)\s*$")
_MAX_HEADING_CHARS = 70
_WRAPPED_LINE_CHARS = 55
"""A line at least this long was probably broken by an editor, not by the writer."""


def load_plaintext(data: bytes, source: str) -> Parsed:
    """Read a text file. Raises what `decode` raises."""
    return parse_plaintext(decode(data, source))


def parse_plaintext(text: str) -> Parsed:
    """Read text whose paragraphs are parted by blank lines.

    A short line alone, or an underlined one, without a full stop is a heading; a short line that the writer ended is a
    block of its own ("Phone: 0555 123"), a long one goes on in the next line.
    """
    reader = _Reader()
    paragraphs = [_split_heading(lines) for lines in _paragraphs(text)]
    for (heading, lines), (next_heading, next_lines) in zip(paragraphs, [*paragraphs[1:], ("", [])], strict=False):
        has_text_below = bool(lines) or (bool(next_lines) and not next_heading)
        reader.read(heading, lines, is_heading=has_text_below or (reader.is_at_start and bool(next_heading)))
    title, blocks = title_from_headings(reader.blocks, reader.headings)
    return Parsed(title=title, blocks=tuple(blocks))


class _Reader:
    """Collects blocks and headings paragraph by paragraph."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.headings: list[tuple[int, str]] = []
        self._outline = Outline()
        self._lead = ""

    @property
    def is_at_start(self) -> bool:
        return not self.headings and not self.blocks

    def read(self, heading: str, lines: list[str], *, is_heading: bool) -> None:
        """Take one paragraph. What looks like a heading and has nothing below it is text."""
        if heading and is_heading:
            self._enter_heading(heading, level=1 if self.is_at_start else 2)
        elif heading:
            lines = [heading, *lines]
        for is_item, line in _joined_lines(lines):
            self._add(line, is_item=is_item)

    def _enter_heading(self, heading: str, *, level: int) -> None:
        self._outline.enter(level, heading)
        self.headings.append((level, heading))
        self._lead = ""

    def _add(self, line: str, *, is_item: bool) -> None:
        kind = "item" if is_item else "paragraph"
        lead = self._lead if is_item else ""
        self.blocks.append(Block(text=line, headings=self._outline.headings, kind=kind, lead=lead))
        if not is_item:
            self._lead = line if line.endswith(":") else ""


def _paragraphs(text: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in [*text.replace("\f", "\n\n").split("\n"), ""]:
        if line.strip():
            lines.append(line)
        elif lines:
            yield lines
            lines = []


def _split_heading(lines: list[str]) -> tuple[str, list[str]]:
    """The heading that a paragraph is or starts with ("" for none), and its other lines."""
    first = " ".join(lines[0].split())
    if len(lines) > 1 and _UNDERLINE.match(lines[1]) and len(first) <= _MAX_HEADING_CHARS:
        return first, lines[2:]
    if len(lines) == 1 and _looks_like_heading(first):
        return first.strip("#= "), []
    return "", [line for line in lines if not _UNDERLINE.match(line)]


def _looks_like_heading(line: str) -> bool:
    if len(line) > _MAX_HEADING_CHARS or _BULLET.match(line):
        return False
    return line[-1] not in ".!?:;,…\"”'" and ": " not in line and not line[0].islower() and not line[-1].isdigit()


def _joined_lines(lines: list[str]) -> Iterator[tuple[bool, str]]:
    """Logical lines with whether each is a list item, editor line breaks undone."""
    logical: list[tuple[bool, str]] = []
    previous = ""
    for line in lines:
        is_item = bool(_BULLET.match(line))
        words = " ".join(_BULLET.sub("", line).split())
        if logical and not is_item and _goes_on(previous, line, logical[-1][0]):
            logical[-1] = (logical[-1][0], f"{logical[-1][1]} {words}")
        else:
            logical.append((is_item, words))
        previous = line
    yield from logical


def _goes_on(previous: str, line: str, in_item: bool) -> bool:
    if len(previous.strip()) >= _WRAPPED_LINE_CHARS or line.strip()[0].islower():
        return True
    return in_item and line[0].isspace()
