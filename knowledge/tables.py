"""The two tables of the index, chunks and sentences: their names, their columns, and a document as rows of them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from knowledge.packing import packed_chunks
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow

CHUNKS = "chunks"
SENTENCES = "sentences"
LAYOUT = "3"
"""Raise it when the columns change; an index in another layout is refused."""
SEARCHED_TEXTS = ("text", "title")
PACKED = "packed"
"""The column of a chunk with all that a search reads."""


def _columns(row: type[ChunkRow] | type[SentenceRow]) -> dict[str, type]:
    return {field.name: int if field.type is int else str for field in fields(row)}


ROW_COLUMNS: Mapping[str, Mapping[str, type]] = {CHUNKS: _columns(ChunkRow), SENTENCES: _columns(SentenceRow)}
"""By table what its rows are made of."""
COLUMNS: Mapping[str, Mapping[str, type]] = ROW_COLUMNS | {CHUNKS: ROW_COLUMNS[CHUNKS] | {"model": str, PACKED: bytes}}
"""By table all that it holds, except the vectors."""


def rows_of(document: PreparedDocument, table: str, *, model: str) -> list[dict[str, Any]]:
    """What of a document stands in one table, without the vectors."""
    if table == SENTENCES:
        return [vars(row) for row in document.sentences]
    packed = packed_chunks(document)
    return [vars(row) | {"model": model, PACKED: one} for row, one in zip(document.chunks, packed, strict=True)]
