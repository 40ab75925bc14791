"""What is asked of the documents and what is found: the values that travel between retriever and conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.scope import Scope


@dataclass(frozen=True)
class StockLine:
    """A line of the house. It is a candidate when the question is close to one of `examples`; without any, never."""

    name: str
    text: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passage:
    """A chunk to answer from. `position` is its place in the document, from 0; `place` says it to people."""

    chunk_id: str
    doc_id: str
    title: str
    source: str
    text: str
    position: int
    place: str
    score: float


@dataclass(frozen=True)
class Candidate:
    """A line that may be the answer: a sentence (`passage` is its place in `passages`) or a stock line (-1)."""

    text: str
    kind: Literal["sentence", "stock"]
    name: str
    passage: int
    score: float


@dataclass(frozen=True)
class Wanted:
    """One question: at most `k` passages of together at most `max_tokens` (four characters each) are found for it.

    With `documents` off only stock lines are candidates. An empty index or question gives an empty retrieval.
    """

    query: str
    k: int = 5
    scope: Scope = Scope()
    max_tokens: int = 2000
    documents: bool = True


@dataclass(frozen=True)
class Retrieval:
    """What was found, best first.

    `answerable`: the best sentence of the documents may be an answer; `certain`: it is taken to be one.
    """

    query: str
    passages: tuple[Passage, ...]
    candidates: tuple[Candidate, ...]
    answerable: bool
    certain: bool


def nothing(query: str, stock: Sequence[Candidate]) -> Retrieval:
    """A retrieval without documents."""
    return Retrieval(query=query, passages=(), candidates=tuple(stock), answerable=False, certain=False)
