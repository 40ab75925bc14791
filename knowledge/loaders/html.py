"""HTML: what a reader of the page would read, without its navigation."""

from typing import Any, cast

from bs4 import BeautifulSoup, UnicodeDammit
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from knowledge.composing import Composer
from knowledge.decoding import marked_encoding, refuse_binary
from knowledge.errors import DamagedDocument
from knowledge.loaders.columns import cell_count, own_words
from knowledge.loaders.html_tables import Grid, read_grid
from knowledge.prose import Parsed


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LEFT_OUT = _names("script style noscript template head nav footer aside svg math iframe object button select textarea")
_PAGE_PARTS = ("main", "article", "h1", "h2")
"""A form with one of these is the whole page, as some web servers make them."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = _names("ul ol menu")
_BLOCKS = _names(
    """
    address article blockquote body caption center dd details dialog div dl dt fieldset figcaption figure header hgroup
    hr html legend li main p search section summary table td th tr
    """
)


def load_html(data: bytes, source: str) -> Parsed:
    """Read a web page: its main part if it marks one. Raises `BinaryDocument`, `DamagedDocument`."""
    if marked_encoding(data) is None:
        refuse_binary(data, source)
    try:
        page = BeautifulSoup(_text(data, source), "lxml")
        return _read(page)
    except RecursionError as error:
        raise DamagedDocument(source, "its elements are nested too deeply") from error


def read_fragment(markup: str, composer: Composer) -> None:
    """Write down a piece of a page. Raises `RecursionError` if its elements are nested too deeply."""
    reader = _Reader(composer)
    reader.read(BeautifulSoup(markup, "lxml"))
    reader.flush()


def _text(data: bytes, source: str) -> str:
    """In the encoding that the page names, else the one that it looks like."""
    text = UnicodeDammit(data, is_html=True).unicode_markup
    if text is None:
        raise DamagedDocument(source, "its encoding cannot be told")
    return text


def _read(page: BeautifulSoup) -> Parsed:
    composer = Composer()
    reader = _Reader(composer)
    main = page.find("main") or page.find("article") or page.body or page
    reader.read(main)
    reader.flush()
    parsed = composer.finish()
    title = _words(page.title.get_text()) if page.title else ""
    return Parsed(title=parsed.title or title or None, blocks=parsed.blocks)


class _Reader:
    """Walks the elements once; text between two block elements is one paragraph."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._inline: list[str] = []

    def read(self, element: PageElement) -> None:
        match element:
            case PreformattedString():
                pass  # comments, doctypes and the like
            case NavigableString():
                self._inline.append(str(element))
            case Tag() if not _is_left_out(element):
                self._read_tag(element)
            case _:
                pass

    def flush(self) -> None:
        self._composer.text(_words("".join(self._inline)))
        self._inline = []

    def _read_tag(self, tag: Tag) -> None:
        if tag.name == "br":
            self._inline.append(" ")
        elif tag.name == "img":
            self._inline.append(f" {tag.get('alt') or ''} ")
        elif tag.name in _HEADINGS:
            self.flush()
            self._composer.heading(_HEADINGS[tag.name], _words(tag.get_text(" ")))
        elif tag.name == "table" and (grid := _data_of(tag)):
            self.flush()
            self._read_table(grid)
        elif tag.name in _LISTS:
            self._read_list(tag)
        elif tag.name == "pre":
            self._read_lines(tag)
        else:
            self._read_children(tag, is_block=tag.name in _BLOCKS)

    def _read_children(self, tag: Tag, *, is_block: bool) -> None:
        if is_block:
            self.flush()
        for child in tag.children:
            self.read(child)
        if is_block:
            self.flush()

    def _read_list(self, tag: Tag) -> None:
        self.flush()
        self._composer.begin_list()
        self._read_children(tag, is_block=True)
        self._composer.end_list()

    def _read_lines(self, tag: Tag) -> None:
        self.flush()
        for line in tag.get_text().splitlines():
            self._composer.text(_words(line))

    def _read_table(self, grid: Grid) -> None:
        header = grid.header
        for row in grid.rows[grid.heads :]:
            self._composer.row(header, own_words(row))


def _is_left_out(tag: Tag) -> bool:
    attributes = cast(dict[str, Any], tag.attrs)
    if tag.name == "form" and tag.find(_PAGE_PARTS) is None:
        return True
    return tag.name in _LEFT_OUT or "hidden" in attributes or attributes.get("aria-hidden") == "true"


def _data_of(table: Tag) -> Grid | None:
    """Its rows and columns; none where it only arranges the page."""
    if table.find(("table", "h1", "p")) is not None:
        return None
    grid = read_grid(table)
    is_data = len(grid.rows) > 1 and all(cell_count(row) > 1 for row in grid.rows[:2])
    return grid if is_data else None


def _words(text: str) -> str:
    return " ".join(text.split())
