"""Vectors of texts that were embedded lately: callers ask the same again, and the same sentences answer them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from knowledge.embeddings import Embeds
from knowledge.store import Vectors

MOST = 4096
"""Texts of each kind (384 dimensions: 6 MB)."""


class RememberingEmbedder:
    """An embedder that embeds no text twice within `most`. Safe to use from several threads."""

    def __init__(self, embedder: Embeds, *, most: int = MOST) -> None:
        self._embedder = embedder
        self._queries = _Memory(embedder.embed_queries, most=most)
        self._passages = _Memory(embedder.embed_passages, most=most)

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dim(self) -> int:
        return self._embedder.dim

    @property
    def unrelated(self) -> float:
        return self._embedder.unrelated

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """What callers say, as [n, dim] float32 of length 1."""
        return self._queries.embed(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """What documents say, as [n, dim] float32 of length 1."""
        return self._passages.embed(texts)


class _Memory:
    """The vectors of one kind of text; what was not wanted for longest goes first."""

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], *, most: int) -> None:
        self._embed = embed
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Any] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> Vectors:
        wanted = dict.fromkeys(texts)
        with self._lock:
            known = {text: self._known[text] for text in wanted if text in self._known}
        if missing := [text for text in wanted if text not in known]:
            known |= zip(missing, map(np.copy, self._embed(missing)), strict=True)
        self._keep(known)
        return np.stack([known[text] for text in texts])

    def _keep(self, vectors: dict[str, Any]) -> None:
        with self._lock:
            for text, vector in vectors.items():
                self._known[text] = vector
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
