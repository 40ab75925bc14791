"""The documents' search as the engine has it: what goes wrong there is told in the engine's own errors."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from knowledge.errors import KnowledgeError
from knowledge.retrieval import Retrieval, Wanted
from knowledge.retriever import Retriever
from knowledge.rows import StoredDocument
from knowledge.scope import check_collection
from plugins.errors import EngineUnavailable, InvalidRequest, ModelError


class EngineRetriever(Retriever):
    """A `Retriever` whose callers learn, in another process too, what is wrong with the index and the way out.

    Raises `InvalidRequest` for what cannot be a collection, `EngineUnavailable` where waiting helps, else `ModelError`.
    """

    def documents(self, collection: str) -> list[StoredDocument]:
        check(collection)
        with told():
            return super().documents(collection)

    def question(self, query: str, *, k: int, collection: str, title: str, source: str, documents: bool) -> Wanted:
        check(collection)
        return super().question(query, k=k, collection=collection, title=title, source=source, documents=documents)

    def search_all(self, wanted: Sequence[Wanted]) -> list[Retrieval]:
        with told():
            return super().search_all(wanted)


def check(collection: str) -> None:
    """Raises `InvalidRequest` for what cannot be a collection."""
    try:
        check_collection(collection)
    except KnowledgeError as error:
        raise InvalidRequest(str(error)) from error


@contextmanager
def told() -> Generator[None]:
    """Trouble with the index, as an engine tells it."""
    try:
        yield
    except KnowledgeError as error:
        raise (EngineUnavailable if error.retryable else ModelError)(str(error)) from error
