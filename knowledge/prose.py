"""What every loader produces: blocks of plain text that know their place in the document."""

from dataclasses import dataclass, replace
from typing import Literal

BlockKind = Literal["paragraph", "item", "row"]


@dataclass(frozen=True)
class Block:
    """One paragraph, list item or table row, without markup and line breaks.

    `headings` are those above it, outermost first, without the document's title. `lead` is the paragraph that
    introduces an item's list ("Included in the price:"), if any. `page` counts from 1; 0 where there are no pages.
    """

    text: str
    headings: tuple[str, ...] = ()
    kind: BlockKind = "paragraph"
    lead: str = ""
    page: int = 0


@dataclass(frozen=True)
class Parsed:
    """A document's content as its loader found it; `title` is None where the document names none.

    `note` tells the owner what of it could not be read, "" if all could.
    """

    title: str | None
    blocks: tuple[Block, ...]
    note: str = ""


class Outline:
    """The headings above the place a loader has reached."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, heading: str) -> None:
        """A heading of this level (1 is the highest) begins; it closes those of its own level and below."""
        self._open = [(above, text) for above, text in self._open if above < level]
        self._open.append((level, heading))

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._open if text)


def title_from_headings(blocks: list[Block], headings: list[tuple[int, str]]) -> tuple[str | None, list[Block]]:
    """Take the title out of the headings: the only heading of the highest level, when all text stands below it."""
    if not headings:
        return None, blocks
    top = min(level for level, _ in headings)
    titles = [text for level, text in headings if level == top]
    if len(titles) > 1 or not all(block.headings[:1] == (titles[0],) for block in blocks):
        return None, blocks
    return titles[0], [replace(block, headings=block.headings[1:]) for block in blocks]
