"""A sentence that could be the answer, and what scoring needs to know of it."""

from functools import cached_property, lru_cache

from knowledge.asked import Kind, named_days, offers
from knowledge.store import Vectors
from knowledge.words import meaningful


class Line:
    """A sentence at its `place` in a chunk, with its vector [dim]. What is worked out of it is kept."""

    def __init__(self, chunk_id: str, place: int, *, text: str, context: str, vector: Vectors) -> None:
        self.chunk_id = chunk_id
        self.place = place
        self.text = text
        self.context = context
        self.vector = vector
        self._offered: dict[Kind, bool] = {}

    @cached_property
    def words(self) -> frozenset[str]:
        return meaningful(self.text)

    @cached_property
    def words_in_context(self) -> frozenset[str]:
        return self.words | _words_of_context(self.context)

    @cached_property
    def days(self) -> frozenset[str]:
        return named_days(self.text)

    def offers(self, kind: Kind) -> bool:
        """Whether it has this kind of answer."""
        if kind not in self._offered:
            self._offered[kind] = offers(self.text, kind)
        return self._offered[kind]


@lru_cache(maxsize=4096)
def _words_of_context(context: str) -> frozenset[str]:
    """Most sentences of a chunk have the same."""
    return meaningful(context)
