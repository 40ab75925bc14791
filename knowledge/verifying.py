"""Is an index whole? Every row, every vector and every packed piece is read; nothing is changed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.agreement import Agreement
from knowledge.catalog import Entry, entries
from knowledge.documents import content_hash
from knowledge.errors import IndexUnusable
from knowledge.index import Index
from knowledge.soundness import are_of_chunks, are_of_sentences, vectors_of
from knowledge.tables import CHUNKS, SENTENCES

_FILE_END = b"LANC"
"""How every data file of Lance ends."""


@dataclass(frozen=True)
class Verdict:
    """`problems` are damage, each named; `stale` are documents whose file has changed or is gone since the ingest."""

    documents: int
    chunks: int
    sentences: int
    problems: tuple[str, ...]
    stale: tuple[str, ...]


def verify(index: Index) -> Verdict:
    """Read the whole index. Raises nothing for damage: it is in the verdict."""
    damaged = [f"{path} is cut off or overwritten" for path in damaged_files(index.uri)]
    try:
        return _examined(index, damaged)
    except IndexUnusable as error:
        return Verdict(documents=0, chunks=0, sentences=0, problems=(*damaged, str(error)), stale=())


def damaged_files(uri: str) -> list[Path]:
    """Data files of a local index that do not end as they should."""
    if "://" in uri:
        return []
    return [path for path in sorted(Path(uri).glob("*.lance/data/*.lance")) if not _is_whole(path)]


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(_FILE_END)))
        return file.read() == _FILE_END


def _examined(index: Index, damaged: list[str]) -> Verdict:
    documents = entries(index)
    agreement = Agreement()
    chunks = _Chunks(index, agreement)
    sentences = _Sentences(index, chunks, agreement)
    names = {entry.doc_id: f"{entry.source} ({entry.collection})" for entry in documents}
    named = (*chunks.problems(), *sentences.problems, *agreement.problems(torn=sentences.torn))
    found = [f"{names.get(doc_id, doc_id)}: {what}" for doc_id, what in named]
    return Verdict(
        documents=len(documents),
        chunks=chunks.count,
        sentences=sentences.count,
        problems=(*damaged, *dict.fromkeys(found)),
        stale=tuple(_stale(documents)),
    )


class _Chunks:
    """Every chunk, read once."""

    def __init__(self, index: Index, agreement: Agreement) -> None:
        self.count = 0
        self.hashes: dict[str, str] = {}
        self._model = index.embedder_name
        self._problems: list[tuple[str, str]] = []
        self._positions: dict[str, Counter[int]] = {}
        for batch in index.rows(CHUNKS):
            self._read(batch)
            agreement.read_chunks(batch)

    def problems(self) -> Iterator[tuple[str, str]]:
        """(doc_id, what) of all that is wrong."""
        yield from self._problems
        for doc_id, positions in self._positions.items():
            if sorted(positions.elements()) != list(range(len(positions))):
                yield doc_id, "chunks are missing or there twice"

    def _read(self, batch: Any) -> None:
        columns = ["doc_id", "chunk_id", "position", "hash", "model"]
        are_sound = are_of_chunks(vectors_of(batch))
        for row, is_sound in zip(batch.select(columns).to_pylist(), are_sound, strict=True):
            self.count += 1
            self.hashes[row["chunk_id"]] = row["hash"]
            self._positions.setdefault(row["doc_id"], Counter())[row["position"]] += 1
            if not is_sound:
                self._problems.append((row["doc_id"], "a chunk's vector is damaged"))
            if row["model"] != self._model:
                self._problems.append((row["doc_id"], f"embedded with {row['model']}, the index with {self._model}"))


class _Sentences:
    """Every sentence, read once and held against its chunk. `torn` are documents with sentences of another version."""

    def __init__(self, index: Index, chunks: _Chunks, agreement: Agreement) -> None:
        self.count = 0
        self.problems: list[tuple[str, str]] = []
        self.torn: set[str] = set()
        for batch in index.rows(SENTENCES):
            self._read(batch, chunks)
            agreement.read_sentences(batch)

    def _read(self, batch: Any, chunks: _Chunks) -> None:
        columns = ["doc_id", "chunk_id", "hash"]
        are_sound = are_of_sentences(vectors_of(batch))
        for row, is_sound in zip(batch.select(columns).to_pylist(), are_sound, strict=True):
            self.count += 1
            if not is_sound:
                self.problems.append((row["doc_id"], "a sentence's vector is damaged"))
            if chunks.hashes.get(row["chunk_id"]) != row["hash"]:
                self.torn.add(row["doc_id"])
                self.problems.append((row["doc_id"], "sentences of another version than its chunks; ingest it again"))


def _stale(documents: list[Entry]) -> Iterator[str]:
    for entry in documents:
        path = Path(entry.origin)
        if "://" in entry.origin:
            continue
        try:
            if content_hash(path.read_bytes()) != entry.hash:
                yield f"{entry.source} ({entry.collection}) has changed since it was ingested"
        except OSError:
            yield f"{entry.source} ({entry.collection}): its file is gone or cannot be read"
