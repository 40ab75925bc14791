"""Chunks: the pieces of a document that are embedded, searched and shown as passages."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.documents import Document
from knowledge.errors import EmptyDocument
from knowledge.quotable import Sentence, read_sentences

_SENTENCE_ENDS = tuple(".!?:;…。！？\"'”’)")


@dataclass(frozen=True)
class ChunkRules:
    """How documents are cut, in characters of the chunk's text, heading lines included."""

    min_chars: int = 500
    max_chars: int = 800
    overlap_chars: int = 100

    @property
    def max_sentence_chars(self) -> int:
        return self.max_chars // 2

    @property
    def max_heading_chars(self) -> int:
        return self.max_chars // 4


RULES = ChunkRules()


@dataclass(frozen=True)
class Chunk:
    """A piece of a document. `text` repeats the headings it is under, a line each, between its sentences.

    `sentences` are those that begin in this chunk, without the overlap with the one before. `position` counts from 0,
    `page` is where the first of them stands (0: the document has no pages).
    """

    text: str
    heading: str
    position: int
    sentences: tuple[Sentence, ...]

    @property
    def page(self) -> int:
        return self.sentences[0].page


def split(document: Document, *, rules: ChunkRules = RULES) -> list[Chunk]:
    """Cut a document into chunks within `rules`, at sentence ends.

    A chunk that is long enough ends before the next heading or page. Neighbours under one heading share whole
    sentences of about `overlap_chars`, so an answer on a border is found from both sides. The last chunk reaches back
    until it is long enough; only a document shorter than `min_chars` gives a shorter one. Raises `EmptyDocument`
    instead of returning nothing.
    """
    sentences = list(read_sentences(document.blocks, max_chars=rules.max_sentence_chars))
    if not any(sentence.is_quotable for sentence in sentences):
        raise EmptyDocument(document.source)
    chunks: list[Chunk] = []
    start = 0
    while start < len(sentences):
        first = _overlap_start(sentences, start, rules)
        end = _end(sentences, first, start, rules)
        if end == len(sentences):
            first = _reach_back(sentences, first, rules)
        heading = " › ".join(sentences[start].headings)
        own = tuple(sentences[start:end])
        chunks.append(
            Chunk(text=_text(sentences[first:end], rules), heading=heading, position=len(chunks), sentences=own)
        )
        start = end
    return chunks


def _end(sentences: Sequence[Sentence], first: int, start: int, rules: ChunkRules) -> int:
    """Where the chunk that begins at `first`, and brings new sentences from `start`, stops."""
    length = _length(sentences[first:start], rules)
    for index in range(start, len(sentences)):
        previous = sentences[index - 1] if index > first else None
        longer = length + _cost(sentences[index], previous, rules)
        new_section = previous is not None and _place(previous) != _place(sentences[index])
        if index > start and (longer > rules.max_chars or (new_section and length >= rules.min_chars)):
            return index
        length = longer
    return len(sentences)


def _place(sentence: Sentence) -> tuple[tuple[str, ...], int]:
    return sentence.headings, sentence.page


def _overlap_start(sentences: Sequence[Sentence], start: int, rules: ChunkRules) -> int:
    """The first of the sentences before `start` that its chunk repeats: at least one, unless that is far too long."""
    first, shared = start, 0
    while first > 0 and sentences[first - 1].headings == sentences[start].headings:
        shared += len(sentences[first - 1].text) + 1
        if shared > (rules.overlap_chars if first < start else 2 * rules.overlap_chars):
            break
        first -= 1
    fits = start < len(sentences) and _length(sentences[first : start + 1], rules) <= rules.max_chars
    return first if fits else start


def _reach_back(sentences: Sequence[Sentence], first: int, rules: ChunkRules) -> int:
    while first > 0 and len(_text(sentences[first:], rules)) < rules.min_chars:
        if len(_text(sentences[first - 1 :], rules)) > rules.max_chars:
            break
        first -= 1
    return first


def _heading_line(sentence: Sentence, rules: ChunkRules) -> str:
    return " › ".join(sentence.headings)[: rules.max_heading_chars - 1].strip()


def _cost(sentence: Sentence, previous: Sentence | None, rules: ChunkRules) -> int:
    """Characters that the sentence adds to a chunk after `previous`, with what parts them."""
    is_new_section = previous is None or previous.headings != sentence.headings
    heading = _heading_line(sentence, rules) if is_new_section else ""
    return len(sentence.text) + 1 + (len(heading) + 1 if heading else 0)


def _length(sentences: Sequence[Sentence], rules: ChunkRules) -> int:
    previous = [None, *sentences]
    return sum(_cost(sentence, before, rules) for sentence, before in zip(sentences, previous, strict=False))


def _text(sentences: Sequence[Sentence], rules: ChunkRules) -> str:
    parts: list[str] = []
    previous: Sentence | None = None
    for sentence in sentences:
        if previous is None or previous.headings != sentence.headings:
            heading = _heading_line(sentence, rules)
            parts.extend(["\n", heading, "\n"] if heading else ["\n"])
        else:
            parts.append(" " if previous.text.endswith(_SENTENCE_ENDS) else "\n")
        parts.append(sentence.text)
        previous = sentence
    return "".join(parts).strip()
