"""A document as sentences: what the agent may quote, word for word."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from knowledge.prose import Block
from knowledge.sentences import split_sentences

_MAX_JOINED_LIST_CHARS = 300
_SENTENCE_ENDS = (".", "!", "?", ";")


@dataclass(frozen=True)
class Sentence:
    """One sentence, list item or table row, with the headings above it and the line that introduces its list.

    `page` is 0 where the document has no pages.
    """

    text: str
    headings: tuple[str, ...] = ()
    lead: str = ""
    page: int = 0

    @property
    def is_quotable(self) -> bool:
        """Whether it can be an answer by itself; a line that only introduces others cannot."""
        return not self.text.endswith(":") and any(character.isalnum() for character in self.text)


def read_sentences(blocks: Iterable[Block], *, max_chars: int) -> Iterator[Sentence]:
    """All sentences in order, none longer than `max_chars` characters."""
    for block in join_short_lists(blocks):
        lead = split_sentences(block.lead)[-1] if block.lead else ""
        for text in split_sentences(block.text, max_chars=max_chars):
            yield Sentence(text=text, headings=block.headings, lead=lead, page=block.page)


def join_short_lists(blocks: Iterable[Block]) -> list[Block]:
    """Make each list of a few words per item one sentence: "The price includes: parking, linen, breakfast."."""
    joined: list[Block] = []
    for (kind, lead, headings), group in groupby(blocks, key=lambda block: (block.kind, block.lead, block.headings)):
        items = list(group)
        opening = lead or (f"{headings[-1]}:" if headings else "")
        if kind != "item" or not opening or not _is_short_list(opening, items):
            joined.extend(items)
            continue
        if lead and joined and joined[-1].text == lead:
            joined.pop()
        joined.append(replace(items[0], text=_one_sentence(opening, items), kind="paragraph", lead=""))
    return joined


def _is_short_list(opening: str, items: Sequence[Block]) -> bool:
    length = len(opening) + sum(len(item.text) + 2 for item in items)
    has_sentences = any(item.text.endswith(_SENTENCE_ENDS) or ": " in item.text for item in items)
    return length <= _MAX_JOINED_LIST_CHARS and not has_sentences


def _one_sentence(opening: str, items: Sequence[Block]) -> str:
    separator = "; " if any("," in item.text for item in items) else ", "
    return f"{opening} {separator.join(item.text for item in items)}."
