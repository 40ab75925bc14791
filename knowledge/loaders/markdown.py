"""Markdown without its markup: paragraphs, list items and table rows under their headings."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.composing import Composer
from knowledge.decoding import decode
from knowledge.loaders.html import read_fragment
from knowledge.prose import Parsed

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)


def load_markdown(data: bytes, source: str) -> Parsed:
    """Read a Markdown file. Raises what `decode` raises."""
    return parse_markdown(decode(data, source))


def parse_markdown(text: str) -> Parsed:
    """Read CommonMark with tables, and HTML as on a page. Comments are left out; front matter gives only the title."""
    front = _FRONT_MATTER.match(text)
    body = text[front.end() :] if front else text
    composer = Composer()
    _read(_parser().parse(body), composer)
    named = _FRONT_TITLE.search(front.group(1)) if front else None
    return composer.finish(title=named.group(1) if named else None)


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough")


def _read(tokens: Sequence[Token], composer: Composer) -> None:
    """Walk markdown-it's flat token stream once."""
    walk = iter(tokens)
    for token in walk:
        match token.type:
            case "heading_open":
                composer.heading(int(token.tag[1:]), plain(next(walk)))
            case "bullet_list_open" | "ordered_list_open":
                composer.begin_list()
            case "bullet_list_close" | "ordered_list_close":
                composer.end_list()
            case "inline":
                composer.text(plain(token))
            case "fence" | "code_block":
                _read_lines(token.content, composer)
            case "html_block":
                read_fragment(token.content, composer)
            case "table_open":
                _read_table(walk, composer)
            case _:
                pass


def _read_lines(content: str, composer: Composer) -> None:
    for line in map(str.strip, content.splitlines()):
        composer.text(line)


def _read_table(walk: Iterator[Token], composer: Composer) -> None:
    rows = _table_rows(walk)
    header = next(rows, [])
    for row in rows:
        composer.row(header, row)


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
