"""A document made ready for the index: cut, embedded, and written as rows."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from knowledge.chunks import Chunk, split
from knowledge.documents import Document
from knowledge.quotable import Sentence
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow
from knowledge.soundness import are_of_chunks, are_of_sentences
from knowledge.store import Vectors

SENTENCE_SHARE = 0.45
"""Of a sentence's vector: the sentence alone; the rest is the sentence under its heading. Their sum is stored, so one
dot product with a question is the weighted mean of both similarities."""

Embed = Callable[[list[str]], Vectors]
"""Texts of documents in, [n, dim] unit vectors out; `Embedder.embed_passages`."""


def document_id(collection: str, origin: str) -> str:
    """The same document in the same collection always has the same id."""
    return hashlib.sha256(f"{collection}\n{origin}".encode()).hexdigest()[:16]


def prepare(document: Document, *, collection: str, embed: Embed) -> PreparedDocument:
    """Cut and embed a document. Raises `EmptyDocument`, and what `embed` raises."""
    doc_id = document_id(collection, document.origin)
    chunks = split(document)
    rows = tuple(_chunk_row(chunk, document, doc_id, collection) for chunk in chunks)
    sentences = tuple(row for chunk in chunks for row in _sentence_rows(chunk, document, doc_id, collection))
    return embedded(doc_id, rows, sentences, embed)


def embedded(
    doc_id: str, chunks: tuple[ChunkRow, ...], sentences: tuple[SentenceRow, ...], embed: Embed
) -> PreparedDocument:
    """The rows of one document with their vectors."""
    return PreparedDocument(
        doc_id=doc_id,
        chunks=chunks,
        chunk_vectors=_chunk_vectors(chunks, embed),
        sentences=sentences,
        sentence_vectors=_sentence_vectors(sentences, embed),
    )


def mended(document: PreparedDocument, embed: Embed) -> PreparedDocument:
    """The document with other vectors where its own are damaged; nothing is embedded if none are."""
    chunks, sentences = document.chunk_vectors.copy(), document.sentence_vectors.copy()
    if lost := _false(are_of_chunks(chunks)):
        chunks[lost] = _chunk_vectors([document.chunks[place] for place in lost], embed)
    if lost := _false(are_of_sentences(sentences)):
        sentences[lost] = _sentence_vectors([document.sentences[place] for place in lost], embed)
    return replace(document, chunk_vectors=chunks, sentence_vectors=sentences)


def _false(flags: NDArray[np.bool_]) -> list[int]:
    """The places of those that are not set."""
    return np.flatnonzero(~flags).tolist()


def _chunk_vectors(rows: Sequence[ChunkRow], embed: Embed) -> Vectors:
    return embed([f"{row.title}\n{row.text}" for row in rows])


def _sentence_vectors(rows: Sequence[SentenceRow], embed: Embed) -> Vectors:
    alone = embed([row.text for row in rows])
    placed = embed([f"{row.above}. {row.text}" for row in rows])
    return (SENTENCE_SHARE * alone + (1 - SENTENCE_SHARE) * placed).astype(np.float32)


def _chunk_row(chunk: Chunk, document: Document, doc_id: str, collection: str) -> ChunkRow:
    return ChunkRow(
        chunk_id=f"{doc_id}:{chunk.position}",
        doc_id=doc_id,
        text=chunk.text,
        title=document.title,
        heading=chunk.heading,
        source=document.source,
        origin=document.origin,
        collection=collection,
        position=chunk.position,
        hash=document.hash,
        page=chunk.page,
        ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _sentence_rows(chunk: Chunk, document: Document, doc_id: str, collection: str) -> Iterator[SentenceRow]:
    quotable = (sentence for sentence in chunk.sentences if sentence.is_quotable)
    for place, sentence in enumerate(quotable):
        yield SentenceRow(
            sentence_id=f"{doc_id}:{chunk.position}:{place}",
            chunk_id=f"{doc_id}:{chunk.position}",
            doc_id=doc_id,
            text=sentence.text,
            context=". ".join(filter(None, [document.title, *sentence.headings, sentence.lead])),
            collection=collection,
            position=place,
            page=sentence.page,
            above=_above(sentence, document.title),
            hash=document.hash,
        )


def _above(sentence: Sentence, title: str) -> str:
    """What a sentence is embedded under: its headings, or else the title, and the introduction of its list."""
    headings: Sequence[str] = sentence.headings or (title,)
    return " ".join([*headings, sentence.lead]).strip()
