"""The typed edge to LanceDB: everything here that is not typed upstream stays here.

LanceDB reports trouble as RuntimeError, ValueError or OSError, whatever happened; `Store` turns them into `StoreError`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""[n, dim] float32."""
_Result = TypeVar("_Result")

_TROUBLE = (RuntimeError, ValueError, OSError)
_ALL = 2**31 - 1
_BATCH_ROWS = 4096
_ROWS_PER_PARTITION = 400
_PROBES = 20
"""Partitions of a vector index that a search looks at; without such an index every row is."""
_KEEP_OLD_VERSIONS = timedelta(days=1)
"""Far longer than any query takes; readers may still be on an older version of a table."""


class StoreError(Exception):
    """LanceDB could not do it; the message is its reason in one line."""


def attempt(action: Callable[[], _Result]) -> _Result:
    """Run one LanceDB call. Raises `StoreError`."""
    try:
        return action()
    except _TROUBLE as error:
        raise StoreError(_reason(error)) from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.removeprefix("lance error: ").split(", /")[0][:200]


class Table:
    """One LanceDB table with one vector column, `embedding`. Reads see it as it was at the last `refresh`, or write."""

    def __init__(self, table: Any, *, dim: int) -> None:
        self._table = table
        self._dim = dim

    def refresh(self) -> bool:
        """See what others have written since, if there is anything. Asks the folder or the object store."""
        seen = self.version
        attempt(self._table.checkout_latest)
        return self.version != seen

    @property
    def metadata(self) -> dict[str, str]:
        raw: Mapping[bytes, bytes] = attempt(lambda: self._table.schema.metadata) or {}
        return {key.decode(): value.decode() for key, value in raw.items()}

    @property
    def version(self) -> int:
        return attempt(lambda: int(self._table.version))

    def count(self, where: str | None = None) -> int:
        return attempt(lambda: int(self._table.count_rows(where)))

    def read(self, columns: Sequence[str], *, where: str, limit: int) -> list[dict[str, Any]]:
        """Rows in the order they were written, without vectors."""
        return self._found(self._query().where(where).select(list(columns)).limit(limit)).to_pylist()

    def read_with_vectors(
        self, columns: Sequence[str], *, where: str, limit: int
    ) -> tuple[list[dict[str, Any]], Vectors]:
        """Rows and their vectors, in the same order."""
        chosen = [*columns, "embedding"]
        found = self._found(self._query().where(where).select(chosen).limit(limit))
        return found.select(list(columns)).to_pylist(), self._vectors(found)

    def nearest(self, vector: Vectors, column: str, *, where: str | None, limit: int) -> list[Any]:
        """This column of the rows with the largest dot product with `vector` ([dim]), best first."""
        query = self._query().nearest_to(vector).column("embedding").distance_type("dot").nprobes(_PROBES)
        return self._found(_where(query, where).select([column, "_distance"]).limit(limit)).column(column).to_pylist()

    def matching(
        self, text: str, column: str, *, within: Sequence[str], where: str | None, limit: int, misspelt: bool
    ) -> list[Any]:
        """This column of the rows whose columns `within` best match the words of `text` by BM25, best first.

        `misspelt` words match those that differ in one letter too, which takes many times as long.
        """
        query = self._query().nearest_to_text(_misspelt(text, within) if misspelt else _words(text, within))
        return self._found(_where(query, where).select([column, "_score"]).limit(limit)).column(column).to_pylist()

    def _query(self) -> Any:
        """A query of LanceDB's asynchronous table: the one around it asks six times before it searches."""
        return self._table._table.query()

    def _found(self, query: Any) -> Any:
        """The rows of a query as an Arrow table."""
        from lancedb.background_loop import LOOP

        running: Callable[[], Any] = partial(LOOP.run, query.to_arrow())
        return attempt(running)

    def index_texts(self, columns: Sequence[str]) -> None:
        """Make full-text search possible in these columns. Rows that come later are found too."""
        from lancedb.index import FTS

        for column in self._unindexed(columns):
            attempt(lambda column=column: self._table.create_index(column, config=FTS()))

    def index_names(self, columns: Sequence[str]) -> None:
        """Make it fast to leave out what has another value in one of these columns, which hold few different ones."""
        from lancedb.index import Bitmap

        for column in self._unindexed(columns):
            attempt(lambda column=column: self._table.create_index(column, config=Bitmap()))

    def index_vectors(self) -> None:
        """Make `nearest` look at the likely parts of the table only: worth it from some ten thousand rows on."""
        from lancedb.index import IvfFlat

        partitions = max(1, self.count() // _ROWS_PER_PARTITION)
        for column in self._unindexed(["embedding"]):
            config = IvfFlat(distance_type="dot", num_partitions=partitions, sample_rate=64, max_iterations=10)
            attempt(lambda column=column, config=config: self._table.create_index(column, config=config))

    def load_indexes(self) -> None:
        """Read the indexes into memory, which the first searches would do piece by piece."""
        from lancedb.background_loop import LOOP

        for index in attempt(self._table.list_indices):
            loading: Callable[[], Any] = partial(LOOP.run, self._table._table.prewarm_index(index.name))
            attempt(loading)

    def _unindexed(self, columns: Sequence[str]) -> list[str]:
        indexed = {column for index in attempt(self._table.list_indices) for column in index.columns}
        return [column for column in columns if column not in indexed]

    def batches(self, columns: Sequence[str] = (), *, where: str | None = None) -> Iterator[Any]:
        """Rows as Arrow record batches, with all columns if none are named."""
        query = _where(self._table.search(), where).select(list(columns or self._table.schema.names)).limit(_ALL)
        reader = attempt(lambda: query.to_batches(batch_size=_BATCH_ROWS))
        while (batch := attempt(lambda: next(reader, None))) is not None:
            yield batch

    def replace(self, rows: Sequence[Mapping[str, Any]], vectors: Vectors, *, key: str, where: str) -> None:
        """Make `rows` all that is kept of those matching `where`, in one commit."""
        data = self._arrow(rows, vectors)
        merge = self._table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        attempt(lambda: merge.when_not_matched_by_source_delete(where).execute(data))

    def delete(self, where: str) -> None:
        attempt(lambda: self._table.delete(where))

    def optimize(self) -> None:
        """Compact small files and forget old versions."""
        attempt(lambda: self._table.optimize(cleanup_older_than=_KEEP_OLD_VERSIONS))

    def _vectors(self, found: Any) -> Vectors:
        flat = found.column("embedding").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat, dtype=np.float32).reshape(len(found), self._dim)

    def _arrow(self, rows: Sequence[Mapping[str, Any]], vectors: Vectors) -> Any:
        import pyarrow as pa

        schema = self._table.schema
        flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
        columns = {field.name: [row[field.name] for row in rows] for field in schema if field.name != "embedding"}
        columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, self._dim)
        return pa.table(columns, schema=schema)


def _where(query: Any, condition: str | None) -> Any:
    return query.where(condition) if condition else query


def _words(text: str, columns: Sequence[str]) -> Any:
    from lancedb.query import MultiMatchQuery

    match: Any = MultiMatchQuery  # its optional fields are unknown to type checkers
    return match(text, list(columns))


def _misspelt(text: str, columns: Sequence[str]) -> Any:
    from lancedb.query import BooleanQuery, MatchQuery, Occur

    match: Any = MatchQuery
    words: Any = [(Occur.SHOULD, match(text, column, fuzziness=1)) for column in columns]
    return BooleanQuery(words)


def _cast(batch: Any, schema: Any) -> Any:
    """The same rows, columns in the order of `schema` and with its metadata."""
    return batch.select(schema.names).cast(schema)


class Store:
    """One LanceDB database: a local folder or an object-store address such as `s3://bucket/prefix`.

    `options` are LanceDB's storage options: endpoint, region, keys.
    """

    def __init__(self, uri: str, *, dim: int, options: Mapping[str, str]) -> None:
        self._uri = uri
        self._options = dict(options)
        self._dim = dim
        self._database: Any = None

    def names(self) -> frozenset[str]:
        return frozenset(attempt(lambda: self._connected().list_tables(limit=1000).tables))

    def open(self, name: str) -> Table:
        return Table(attempt(lambda: self._connected().open_table(name)), dim=self._dim)

    def create(
        self, name: str, columns: Mapping[str, type], rows: Iterable[Any] = (), *, metadata: Mapping[str, str]
    ) -> Table:
        """A table with these columns (`str`, `int` or `bytes`) and `embedding`; in one commit if one was there before.

        `rows` are Arrow record batches with the same columns.
        """
        import pyarrow as pa

        schema = self._schema(columns, metadata)
        mode = "overwrite" if name in self.names() else "create"
        reader = pa.RecordBatchReader.from_batches(schema, (_cast(batch, schema) for batch in rows))
        table = attempt(lambda: self._connected().create_table(name, reader, schema=schema, mode=mode))
        return Table(table, dim=self._dim)

    def notes(self, name: str) -> dict[str, str]:
        """What `note` has written under `name`."""
        if name not in self.names():
            return {}
        rows = attempt(lambda: self._connected().open_table(name).to_arrow()).to_pylist()
        return {row["key"]: row["value"] for row in rows}

    def note(self, name: str, values: Mapping[str, str]) -> None:
        """Make these texts by their keys all that stands under `name`."""
        import pyarrow as pa

        schema = pa.schema([pa.field("key", pa.string()), pa.field("value", pa.string())])
        data = pa.table({"key": list(values), "value": list(values.values())}, schema=schema)
        mode = "overwrite" if name in self.names() else "create"
        table = attempt(lambda: self._connected().create_table(name, data, mode=mode))
        attempt(lambda: table.optimize(cleanup_older_than=_KEEP_OLD_VERSIONS))

    def drop(self) -> None:
        """Delete every table."""
        attempt(lambda: self._connected().drop_all_tables())

    def _schema(self, columns: Mapping[str, type], metadata: Mapping[str, str]) -> Any:
        import pyarrow as pa

        kinds = {str: pa.string(), int: pa.int32(), bytes: pa.large_binary()}
        fields = [pa.field(name, kinds[kind], nullable=False) for name, kind in columns.items()]
        vector = pa.field("embedding", pa.list_(pa.float32(), self._dim), nullable=False)
        return pa.schema([*fields, vector], metadata=dict(metadata))

    def _connected(self) -> Any:
        if self._database is None:
            import lancedb

            if "://" not in self._uri:
                Path(self._uri).mkdir(parents=True, exist_ok=True)
            self._database = lancedb.connect(self._uri, storage_options=self._options or None)
        return self._database
