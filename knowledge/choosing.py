"""Which chunks become passages: rankings fused, repeated texts merged, and the place of each in words."""

import re
from collections.abc import Mapping, Sequence

from knowledge.retrieval import Passage
from knowledge.rows import ChunkRow

_WORD = re.compile(r"\w+")


def fused(rankings: Sequence[Sequence[str]]) -> list[str]:
    """Reciprocal-rank fusion: what several rankings put near their top comes first.

    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", 2009, whose 60 this is.
    """
    points: dict[str, float] = {}
    for ranking in rankings:
        for place, key in enumerate(ranking, start=1):
            points[key] = points.get(key, 0.0) + 1 / (60 + place)
    return descending(points)


def descending(points: Mapping[str, float]) -> list[str]:
    return sorted(points, key=lambda key: (-points[key], key))


def within(chunks: Sequence[ChunkRow], *, count: int, max_chars: int) -> list[ChunkRow]:
    """The first `count` chunks that fit into `max_chars` together, without those whose words another has too."""
    chosen: list[ChunkRow] = []
    texts: list[str] = []
    left = max_chars
    for chunk in chunks:
        if len(chosen) == count:
            break
        words = _squeezed(chunk.text)
        if len(chunk.text) <= left and not any(words in text for text in texts):
            chosen.append(chunk)
            texts.append(words)
            left -= len(chunk.text)
    return chosen


def _squeezed(text: str) -> str:
    """Its words alone, each with a space on both sides."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def place_of(chunk: ChunkRow) -> str:
    """Where in its document it stands: its heading, unless that is the title, and its page."""
    heading = "" if chunk.heading == chunk.title else chunk.heading
    return ", ".join(filter(None, [heading, f"page {chunk.page}" if chunk.page else ""]))


def passage_of(chunk: ChunkRow, score: float) -> Passage:
    return Passage(
        chunk_id=chunk.chunk_id,
        doc_id=chunk.doc_id,
        title=chunk.title,
        source=chunk.source,
        text=chunk.text,
        position=chunk.position,
        place=place_of(chunk),
        score=score,
    )
