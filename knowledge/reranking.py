"""Reranking: a cross-encoder reads the question and each passage together and says how well they fit."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from knowledge.errors import EmbedderCorrupt, EmbedderMissing


class Reranks(Protocol):
    """What the retriever needs of a reranker."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]: ...


class Reranker:
    """One sentence-transformers cross-encoder in a local folder, loaded at the first use.

    Raises `EmbedderMissing` at once and `EmbedderCorrupt` at loading.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._model: Any = None
        if not (path / "config.json").is_file():
            raise EmbedderMissing(path)

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """For each text, 0 (unrelated) to 1 (answers the question)."""
        if not texts:
            return []
        with self._lock:
            if self._model is None:
                self._model = _load(self._path)
            found = self._model.predict([(query, text) for text in texts], show_progress_bar=False)
        return [float(score) for score in found]


def _load(path: Path) -> Any:
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder
    from torch.nn import Sigmoid

    try:
        return CrossEncoder(
            str(path), num_labels=1, max_length=512, activation_fn=Sigmoid(), device="cpu", local_files_only=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise EmbedderCorrupt(path, " ".join(str(error).split())[:200] or type(error).__name__) from error
