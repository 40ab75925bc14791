"""How a loader writes a document down: paragraphs, lists and table rows, each under the headings above it."""

from collections.abc import Sequence
from itertools import islice

from knowledge.prose import Block, BlockKind, Outline, Parsed, title_from_headings

_SENTENCE_ENDS = (".", "!", "?", "…")


class Composer:
    """Collects the blocks of one document in reading order. `page` is the page that it has reached, 0 without pages."""

    def __init__(self) -> None:
        self.page = 0
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._outline = Outline()
        self._leads: list[str] = []
        self._last_paragraph = ""
        self._bare_heading: tuple[int, str] | None = None

    def heading(self, level: int, text: str) -> None:
        """A heading; 1 is the highest level. Blank ones are no headings."""
        if not text:
            return
        self._keep_bare_heading(before_level=level)
        self._bare_heading = (level, text)
        self._outline.enter(level, text)
        self._headings.append((level, text))
        self._last_paragraph = ""

    def leave_headings(self) -> None:
        """What follows stands under none of the headings so far."""
        self._keep_bare_heading(before_level=0)
        self._outline = Outline()

    def begin_list(self) -> None:
        """What follows are items of a list, introduced by the paragraph before if that ends with a colon."""
        self._leads.append(self._last_paragraph if self._last_paragraph.endswith(":") else "")

    def end_list(self) -> None:
        self._leads.pop()

    @property
    def is_in_list(self) -> bool:
        return bool(self._leads)

    def text(self, text: str) -> None:
        """A paragraph, or an item of the list that was begun."""
        if not text:
            return
        kind = "item" if self._leads else "paragraph"
        self._append(text, kind=kind, lead=self._leads[-1] if self._leads else "")
        self._last_paragraph = text

    def row(self, header: Sequence[str], cells: Sequence[str]) -> None:
        """A row of a table, with the names of its columns."""
        if any(cells):
            self._append(row_text(header, cells), kind="row")
        self._last_paragraph = ""

    def finish(self, *, title: str | None = None) -> Parsed:
        """The document. `title` is the one that it names itself; else its only highest heading."""
        self._keep_bare_heading(before_level=0)
        found, blocks = title_from_headings(self._blocks, self._headings)
        return Parsed(title=title or found, blocks=tuple(blocks))

    def _append(self, text: str, *, kind: BlockKind, lead: str = "") -> None:
        headings = self._outline.headings
        self._blocks.append(Block(text=text, headings=headings, kind=kind, lead=lead, page=self.page))
        self._bare_heading = None

    def _keep_bare_heading(self, *, before_level: int) -> None:
        """A heading with nothing under it ("Closed on Mondays") says something itself, so it becomes text."""
        if self._bare_heading and self._bare_heading[0] >= before_level:
            self.text(self._bare_heading[1])


def row_text(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row that can be read alone: "Room: Lake double, Price: 120 euros."."""
    named = [f"{name}: {cell}" if name else cell for name, cell in zip(header, cells, strict=False) if cell]
    text = ", ".join([*named, *filter(None, islice(cells, len(header), None))])
    return text if text.endswith(_SENTENCE_ENDS) else f"{text}."
