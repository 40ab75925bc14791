"""Markdown without its markup: paragraphs, list items and table rows under their headings."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.prose import Block, BlockKind, Outline, Parsed, title_from_headings

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)


def parse_markdown(text: str) -> Parsed:
    """Read CommonMark with tables. HTML, comments and image files are left out; front matter gives only the title."""
    front = _FRONT_MATTER.match(text)
    body = text[front.end() :] if front else text
    reader = _Reader()
    reader.read(_parser().parse(body))
    title, blocks = title_from_headings(reader.blocks, reader.headings)
    named = _FRONT_TITLE.search(front.group(1)) if front else None
    return Parsed(title=named.group(1) if named else title, blocks=tuple(blocks))


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough")


class _Reader:
    """Walks markdown-it's flat token stream once."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.headings: list[tuple[int, str]] = []
        self._outline = Outline()
        self._leads: list[str] = []
        self._last_paragraph = ""
        self._bare_heading: tuple[int, str] | None = None

    def read(self, tokens: Sequence[Token]) -> None:
        walk = iter(tokens)
        for token in walk:
            match token.type:
                case "heading_open":
                    self._enter_heading(int(token.tag[1:]), plain(next(walk)))
                case "bullet_list_open" | "ordered_list_open":
                    self._leads.append(self._last_paragraph if self._last_paragraph.endswith(":") else "")
                case "bullet_list_close" | "ordered_list_close":
                    self._leads.pop()
                case "inline":
                    self._add(plain(token))
                case "fence" | "code_block":
                    self._add_lines(token.content)
                case "table_open":
                    self._add_table(walk)
                case _:
                    pass
        self._keep_bare_heading(before_level=0)

    def _enter_heading(self, level: int, text: str) -> None:
        self._keep_bare_heading(before_level=level)
        self._bare_heading = (level, text)
        self._outline.enter(level, text)
        self.headings.append((level, text))
        self._last_paragraph = ""

    def _keep_bare_heading(self, *, before_level: int) -> None:
        """A heading with nothing under it ("Closed on Mondays") says something itself, so it becomes text."""
        if self._bare_heading and self._bare_heading[0] >= before_level:
            self._add(self._bare_heading[1])

    def _add(self, text: str) -> None:
        kind = "item" if self._leads else "paragraph"
        self._append(text, kind=kind, lead=self._leads[-1] if self._leads else "")
        self._last_paragraph = text

    def _append(self, text: str, *, kind: BlockKind, lead: str = "") -> None:
        self.blocks.append(Block(text=text, headings=self._outline.headings, kind=kind, lead=lead))
        self._bare_heading = None

    def _add_lines(self, content: str) -> None:
        for line in filter(None, map(str.strip, content.splitlines())):
            self._add(line)

    def _add_table(self, walk: Iterator[Token]) -> None:
        header: list[str] = []
        for row in _table_rows(walk):
            if not header:
                header = row
            elif any(row):
                self._append(_row_text(header, row), kind="row")
        self._last_paragraph = ""


def _table_rows(walk: Iterator[Token]) -> Iterator[list[str]]:
    row: list[str] = []
    for token in walk:
        match token.type:
            case "tr_open":
                row = []
            case "inline":
                row.append(plain(token))
            case "tr_close":
                yield row
            case "table_close":
                return
            case _:
                pass


def _row_text(header: Sequence[str], row: Sequence[str]) -> str:
    """A row that can be read alone: "Room: Lake double, Price: 120 euros."."""
    cells = [f"{name}: {cell}" if name else cell for name, cell in zip(header, row, strict=False) if cell]
    return ", ".join([*cells, *filter(None, islice(row, len(header), None))]) + "."


def plain(inline: Token) -> str:
    """The words of one inline token: link texts and image descriptions stay, addresses and HTML go."""
    parts: list[str] = []
    for child in inline.children or []:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "image":
                parts.append(plain(child))
            case "html_inline":
                parts.append(" " if child.content.startswith("<br") else "")
            case _:
                pass
    return " ".join("".join(parts).split())
