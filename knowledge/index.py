"""The index: chunks and sentences of all documents in two LanceDB tables, in a folder or an object store.

Many processes may read while one writes: each read sees the newest commit, without a restart; searches see it as of the
last other read, because looking for a newer one takes as long. A document is replaced in one commit per table,
sentences first; a chunk's hash is what says that its document is in.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from knowledge.errors import EmbeddingMismatch, IndexUnreachable, IndexUnusable, LayoutMismatch, StorageFull
from knowledge.location import Location
from knowledge.locks import exclusive, remote_lock
from knowledge.packing import FoundChunk, unpack
from knowledge.rows import ChunkRow, PreparedDocument, SentenceRow, StoredDocument
from knowledge.scope import Scope, among, of_collection
from knowledge.store import Store, StoreError, Table, Vectors
from knowledge.tables import CHUNKS, COLUMNS, LAYOUT, PACKED, ROW_COLUMNS, SEARCHED_TEXTS, SENTENCES, rows_of

_STAMPS = "stamps"
CHUNKS_WORTH_AN_INDEX = 20_000
"""Up to here comparing a question with every chunk is as fast as an index of their vectors, and exact."""
_ALL = 2**31 - 1
_FULL_DISK = "No space left"
_Result = TypeVar("_Result")


class Index:
    """All collections of one database. Nothing is opened before the first use; safe to use from several threads.

    Every method raises `IndexUnusable` when the folder holds something else or is damaged (`IndexUnreachable` in an
    object store), `StorageFull` when there is no room to write, `LayoutMismatch` when another version of this
    program wrote it, and `EmbeddingMismatch` when it was made with another embedding model than `embedder_name` (except
    `documents`, `made_with`, `is_outdated`, `clear` and `rows` as they were written).
    `options` are LanceDB's storage options for an object store.
    """

    def __init__(
        self, uri: str | Path, embedder_name: str, dim: int, *, options: Mapping[str, str] | None = None
    ) -> None:
        self.uri = str(uri)
        self.embedder_name = embedder_name
        self.dim = dim
        self._location = Location(self.uri)
        self._store = Store(self.uri, dim=dim, options=options or {})
        self._lock = threading.RLock()
        self._tables: dict[str, Table] = {}
        self._checked: int | None = None
        self._folder_id = 0
        self._mixed = set[str]()
        """Collections that others were found beside."""
        self._stamped: tuple[tuple[int, ...], tuple[int, int, int]] | None = None

    # Reading

    def revision(self) -> tuple[int, int, int]:
        """Something that differs after every commit; zeros while nothing was ingested.

        LanceDB is asked (3 ms) only where the folder does not look as it did; an object store, every time.
        """
        stamp = self._location.stamp()
        if self._stamped and stamp == self._stamped[0]:
            return self._stamped[1]
        revision = self._read(
            lambda tables: (self._folder_id, tables[CHUNKS].version, tables[SENTENCES].version), nothing=(0, 0, 0)
        )
        self._stamped = (stamp, revision) if stamp else None
        return revision

    def load(self) -> None:
        """Read what searches need into memory, so that the first is not slow."""
        self._read(lambda tables: tables[CHUNKS].load_indexes(), nothing=None)

    def made_with(self) -> tuple[str, int] | None:
        """Name and dimension of the embedding model that it was made with; None while there is no index."""
        about = self._read(lambda tables: tables[CHUNKS].metadata, nothing={}, any_embedder=True)
        return (about["landline.embedder"], int(about["landline.dim"])) if "landline.embedder" in about else None

    def is_outdated(self) -> bool:
        """Whether an older version of this program wrote it. Raises `LayoutMismatch` if it was a newer one."""
        return self._read(lambda tables: self._is_older(tables[CHUNKS]), nothing=False, any_embedder=True)

    def stamps(self) -> dict[str, str]:
        """What `stamp` has kept, by document."""
        with self._translated():
            return self._store.notes(_STAMPS) if self._exists() else {}

    def stamp(self, stamps: Mapping[str, str]) -> None:
        """Keep beside the documents how their places tell one version from another. What is lost of it costs time."""
        with self._translated():
            if self._exists():
                self._store.note(_STAMPS, stamps)

    def count_sentences(self, collection: str) -> int:
        where = of_collection(collection)
        return self._read(lambda tables: tables[SENTENCES].count(where), nothing=0)

    def documents(self, collection: str | None = None) -> list[StoredDocument]:
        """What is in the index, whatever model embedded it."""
        where = "position = 0" + (f" AND {of_collection(collection)}" if collection else "")
        columns = [field.name for field in fields(StoredDocument)]
        rows = self._read(
            lambda tables: tables[CHUNKS].read(columns, where=where, limit=_ALL), nothing=[], any_embedder=True
        )
        return [StoredDocument(**row) for row in rows]

    def all_chunks(self, collection: str) -> tuple[list[ChunkRow], Vectors]:
        return self._read_all(CHUNKS, ChunkRow, collection, limit=_ALL)

    def all_sentences(self, collection: str, *, limit: int = _ALL) -> tuple[list[SentenceRow], Vectors]:
        return self._read_all(SENTENCES, SentenceRow, collection, limit=limit)

    def nearest_chunks(self, vector: Vectors, scope: Scope, *, limit: int) -> list[FoundChunk]:
        """Those with the largest dot product with `vector` ([dim]), best first."""
        return self._found(scope, lambda chunks, where: chunks.nearest(vector, PACKED, where=where, limit=limit))

    def matching_chunks(self, text: str, scope: Scope, *, limit: int, misspelt: bool) -> list[FoundChunk]:
        """Those that hold the words of `text`, in themselves or their title; best first by BM25."""
        matching = partial(Table.matching, text=text, column=PACKED, within=SEARCHED_TEXTS, misspelt=misspelt)
        return self._found(scope, lambda chunks, where: matching(chunks, where=where, limit=limit))

    def matching_ids(self, text: str, scope: Scope, *, limit: int, misspelt: bool) -> list[str]:
        """The ids of `matching_chunks`, in half the time."""
        within, where = SEARCHED_TEXTS, scope.condition
        return self._search(
            lambda chunks: chunks.matching(text, "chunk_id", within=within, where=where, limit=limit, misspelt=misspelt)
        )

    # Writing

    @contextmanager
    def writing(self, *, wait_s: float) -> Generator[None]:
        """Be the only writer on this machine. Raises `IndexLocked` after `wait_s`."""
        self._location.refuse_foreign_folder()
        folder = remote_lock(self.uri) if self._location.is_remote else Path(self.uri)
        with exclusive(folder, uri=self.uri, wait_s=wait_s):
            yield

    def replace(self, documents: Sequence[PreparedDocument]) -> None:
        """Add the documents, or put them in the place of their former versions."""
        if not documents:
            return
        where = among("doc_id", [document.doc_id for document in documents])
        sentences, chunks = (
            [row for document in documents for row in rows_of(document, table, model=self.embedder_name)]
            for table in (SENTENCES, CHUNKS)
        )
        sentence_vectors = np.concatenate([document.sentence_vectors for document in documents])
        chunk_vectors = np.concatenate([document.chunk_vectors for document in documents])
        tables = self._writable()
        with self._translated():
            tables[SENTENCES].replace(sentences, sentence_vectors, key="sentence_id", where=where)
            tables[CHUNKS].replace(chunks, chunk_vectors, key="chunk_id", where=where)

    def remove(self, doc_ids: Sequence[str]) -> None:
        """Forget these documents."""
        if not doc_ids:
            return
        tables = self._writable()
        with self._translated():
            for name in (SENTENCES, CHUNKS):
                tables[name].delete(among("doc_id", doc_ids))

    def rows(
        self, table: str, columns: Sequence[str] = (), *, doc_ids: Sequence[str] = (), as_written: bool = False
    ) -> Iterator[Any]:
        """`CHUNKS` or `SENTENCES` as Arrow record batches: all columns or these, all documents or these.

        `as_written` reads what another embedding model or an older version made, too.
        """
        where = among("doc_id", doc_ids) if doc_ids else None
        with self._translated():
            yield from self._read(
                lambda tables: tables[table].batches(columns, where=where), nothing=iter(()), any_embedder=as_written
            )

    def become(self, rows: Callable[[str], Iterable[Any]]) -> None:
        """Put `rows(table)` in the place of all that is in the index, and make it one of this embedding model."""
        self._location.refuse_foreign_folder()
        with self._lock, self._translated():
            self._create(rows)

    def drop(self) -> None:
        """Delete both tables."""
        with self._lock, self._translated():
            self._store.drop()
            self._forget()

    def clear(self) -> None:
        """Empty the whole index, all collections, and make it one of this embedding model."""
        self._location.refuse_foreign_folder()
        with self._lock, self._translated():
            self._create()

    def optimize(self) -> None:
        """Compact the tables after many small writes, take new rows into their indexes, and make those that lack."""
        tables = self._writable()
        with self._translated():
            _index_words(tables)
            for table in tables.values():
                table.optimize()
            if tables[CHUNKS].count() >= CHUNKS_WORTH_AN_INDEX:
                tables[CHUNKS].index_vectors()

    # Tables

    def _found(self, scope: Scope, search: Callable[[Table, str | None], list[Any]]) -> list[FoundChunk]:
        """The chunks of a search in `scope`, tried without a condition first.

        That takes a tenth less time, and is as good wherever nothing of another collection is among what is found.
        """
        if scope.is_whole and scope.collection not in self._mixed:
            found = list(map(unpack, self._search(lambda chunks: search(chunks, None))))
            if all(chunk.row.collection == scope.collection for chunk in found):
                return found
            self._mixed.add(scope.collection)
        return list(map(unpack, self._search(lambda chunks: search(chunks, scope.condition))))

    def _search(self, action: Callable[[Table], list[Any]]) -> list[Any]:
        return self._read(lambda tables: action(tables[CHUNKS]), nothing=[], newest=False)

    def _read_all(
        self, table: str, row: Callable[..., _Result], collection: str, *, limit: int
    ) -> tuple[list[_Result], Vectors]:
        columns, where = list(ROW_COLUMNS[table]), of_collection(collection)
        nothing: tuple[list[dict[str, Any]], Vectors] = ([], np.zeros((0, self.dim), dtype=np.float32))
        found, vectors = self._read(
            lambda tables: tables[table].read_with_vectors(columns, where=where, limit=limit), nothing=nothing
        )
        return [row(**values) for values in found], vectors

    def _read(
        self,
        action: Callable[[dict[str, Table]], _Result],
        *,
        nothing: _Result,
        any_embedder: bool = False,
        newest: bool = True,
    ) -> _Result:
        """Run a read on the open tables; once more on freshly opened ones if they went away underneath."""
        for is_last in (False, True):
            with self._translated():
                try:
                    tables = self._opened(newest=newest)
                    if not tables:
                        return nothing
                    if not any_embedder and (newest or self._checked is None):
                        self._check_embedder(tables[CHUNKS])
                    return action(tables)
                except StoreError:
                    self._forget()
                    if is_last:
                        raise
        return nothing

    def _opened(self, *, newest: bool = True) -> dict[str, Table]:
        """The tables, {} while there are none; opened again when somebody put another folder in the place of this."""
        with self._lock:
            folder_id = self._location.folder_id
            if folder_id != self._folder_id:
                self._forget()
            if not self._tables and self._exists():
                self._tables = {name: self._store.open(name) for name in (CHUNKS, SENTENCES)}
            elif newest and self._tables and self._tables[CHUNKS].refresh():
                self._tables[SENTENCES].refresh()
            self._folder_id = folder_id
            return self._tables

    def _exists(self) -> bool:
        self._location.refuse_foreign_folder()
        if not self._location.may_hold_tables:
            return False
        names = self._store.names()
        if names <= {SENTENCES}:
            return False
        if not names >= {CHUNKS, SENTENCES}:
            raise IndexUnusable(self.uri, f"it is a LanceDB database without the tables {CHUNKS} and {SENTENCES}")
        return True

    def _writable(self) -> dict[str, Table]:
        with self._lock, self._translated():
            tables = self._opened() or self._create()
            self._check_embedder(tables[CHUNKS])
            return tables

    def _create(self, rows: Callable[[str], Iterable[Any]] = lambda _: ()) -> dict[str, Table]:
        """Two tables with `rows`, each put in the place of what it held in one commit."""
        about = {"landline.embedder": self.embedder_name, "landline.dim": str(self.dim), "landline.layout": LAYOUT}
        sentences = self._store.create(SENTENCES, COLUMNS[SENTENCES], rows(SENTENCES), metadata=about)
        chunks = self._store.create(CHUNKS, COLUMNS[CHUNKS], rows(CHUNKS), metadata=about)
        self._forget()
        self._tables = {SENTENCES: sentences, CHUNKS: chunks}
        _index_words(self._tables)
        self._folder_id = self._location.folder_id
        return self._tables

    def _forget(self) -> None:
        with self._lock:
            self._tables = {}
            self._checked = None

    def _check_embedder(self, table: Table) -> None:
        """Refuse vectors of another model. Looked at again only when the table has changed."""
        version = table.version
        if version == self._checked:
            return
        if self._is_older(table):
            raise LayoutMismatch(self.uri, is_older=True)
        about = table.metadata
        found = about.get("landline.embedder", "an unknown model")
        if found != self.embedder_name or about.get("landline.dim") != str(self.dim):
            raise EmbeddingMismatch(self.uri, found=found, wanted=self.embedder_name)
        self._checked = version

    def _is_older(self, table: Table) -> bool:
        layout = table.metadata.get("landline.layout")
        if layout is None:
            raise IndexUnusable(self.uri, "another program wrote it")
        if int(layout) > int(LAYOUT):
            raise LayoutMismatch(self.uri, is_older=False)
        return int(layout) < int(LAYOUT)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except StoreError as error:
            if _FULL_DISK in str(error):
                raise StorageFull(self.uri) from error
            if self._location.is_remote:
                raise IndexUnreachable(self.uri, str(error)) from error
            raise IndexUnusable(self.uri, str(error)) from error


def _index_words(tables: Mapping[str, Table]) -> None:
    tables[CHUNKS].index_texts(SEARCHED_TEXTS)
    tables[CHUNKS].index_names(["collection"])
