"""An embedding model in CTranslate2's form with weights of eight bits: nearly the same vectors in a third of the time.

The copy is made once from the loaded sentence-transformers model and kept; an engine that starts again is ready sooner,
because PyTorch's import alone takes seconds.
"""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from knowledge.store import Vectors

logger = logging.getLogger(__name__)

CONVERTIBLE = ("BertModel",)
TRIAL = (
    "what time is breakfast",
    "Thirty cars have room behind the house, and two of them can charge.",
)
LEAST_LIKENESS = 0.985
"""As cosine similarity between a text's vector and that of the model itself."""
_WEIGHTS = "int8"
DEFAULT_TOKENS = 512


class ConvertedModel:
    """The copy in `folder` of the model in `path`, on the processor. Safe to use from one thread at a time."""

    def __init__(self, folder: Path, path: Path, *, threads: int) -> None:
        import ctranslate2
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_longest(path))
        self._encoder: Any = ctranslate2.Encoder(str(folder), inter_threads=1, intra_threads=threads)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """[len(texts), dim] float32 of length 1: the mean of each text's token vectors."""
        ids = [self._tokenizer.encode(text).ids for text in texts]
        states = np.asarray(self._encoder.forward_batch(ids).last_hidden_state)
        means = np.stack([state[: len(tokens)].mean(axis=0) for state, tokens in zip(states, ids, strict=True)])
        return cast(Vectors, means / np.linalg.norm(means, axis=1, keepdims=True))


def find_copy(path: Path, copies: Path) -> Path | None:
    """The folder of an earlier copy of the model as it is now, if there is one."""
    folder = copies / _name(path)
    return folder if (folder / "model.bin").is_file() else None


def make_copy(path: Path, copies: Path, encode: Callable[[Sequence[str]], Vectors]) -> None:
    """Convert the model and keep it if it gives the vectors of `encode`. What cannot be converted stays as it is."""
    if not _is_convertible(path):
        return
    try:
        copies.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copies) as scratch:
            draft = Path(scratch) / "copy"
            _convert(path, draft)
            likeness = _likeness(ConvertedModel(draft, path, threads=1).encode(TRIAL), encode(TRIAL))
            if likeness < LEAST_LIKENESS:
                logger.warning("%s is not converted: the copy differs, with a likeness of %.4f", path.name, likeness)
                return
            _put(draft, copies / _name(path))
    except (OSError, RuntimeError, ValueError) as error:
        logger.warning("%s is not converted, so it loads more slowly: %s", path.name, error)


def _likeness(vectors: Vectors, others: Vectors) -> float:
    """The least of all texts', 1 for the same vectors; of length 1 each."""
    return float((vectors * others).sum(axis=1).min())


def _convert(path: Path, folder: Path) -> None:
    from ctranslate2.converters import TransformersConverter
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()  # what the converter does wrong is not the owner's to know
    TransformersConverter(str(path)).convert(str(folder), quantization=_WEIGHTS)


def _put(draft: Path, folder: Path) -> None:
    """Copies of what the model was before make room."""
    for stale in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    draft.rename(folder)


def _name(path: Path) -> str:
    """Another one whenever a file of the model changes, or what is made of it."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc")
    seen = [(str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return f"{path.resolve().name}-{hashlib.sha256(repr((_WEIGHTS, seen)).encode()).hexdigest()[:12]}"


def _is_convertible(path: Path) -> bool:
    """An architecture that CTranslate2 has, and vectors that are the mean over tokens."""
    architectures = _read(path / "config.json").get("architectures") or [""]
    return architectures[0] in CONVERTIBLE and bool(
        _read(path / "1_Pooling" / "config.json").get("pooling_mode_mean_tokens")
    )


def _longest(path: Path) -> int:
    return int(_read(path / "sentence_bert_config.json").get("max_seq_length") or DEFAULT_TOKENS)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}
