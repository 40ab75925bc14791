"""What the index holds: the rows of its tables, and a document on its way in."""

from dataclasses import dataclass

from knowledge.store import Vectors


@dataclass(frozen=True)
class ChunkRow:
    """One chunk as it is stored. `origin` identifies its document (absolute path or URL), `source` is for people.

    `page` is the page it begins on, 0 where the document has none; `ingested_at` is UTC, ISO 8601.
    """

    chunk_id: str
    doc_id: str
    text: str
    title: str
    heading: str
    source: str
    origin: str
    collection: str
    position: int
    hash: str
    page: int = 0
    ingested_at: str = ""


@dataclass(frozen=True)
class SentenceRow:
    """One quotable sentence. `context` are the title, the headings and the list introduction above it.

    `above` is what was embedded with it; `hash` is its document's; `page` is 0 where the document has none.
    """

    sentence_id: str
    chunk_id: str
    doc_id: str
    text: str
    context: str
    collection: str
    position: int
    page: int = 0
    above: str = ""
    hash: str = ""


@dataclass(frozen=True)
class PreparedDocument:
    """A document cut and embedded; `chunk_vectors` and `sentence_vectors` are [n, dim] beside their rows."""

    doc_id: str
    chunks: tuple[ChunkRow, ...]
    chunk_vectors: Vectors
    sentences: tuple[SentenceRow, ...]
    sentence_vectors: Vectors


@dataclass(frozen=True)
class StoredDocument:
    """A document that is in the index."""

    doc_id: str
    origin: str
    source: str
    title: str
    hash: str
    collection: str
