"""CTranslate2's Whisper with types: the folder, the encoder, the decoder and its attention."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NewType, cast

import ctranslate2
import numpy as np

from plugins.errors import DeviceMissing, ModelCorrupt, ModelMissing
from plugins.whisper.transcripts import Float

LONGEST_SEQUENCE_TOKENS = 448
Encoded = NewType("Encoded", object)
"""A batch as the encoder leaves it: [windows, frames / 2, width], in host memory."""


@dataclass(frozen=True)
class Decoded:
    """One window's tokens with the sum of their log-probabilities, and the probability that nobody spoke."""

    ids: tuple[int, ...]
    logprob: float
    no_speech: float


class Native:
    """The weights in a folder. Raises `ModelMissing` or `ModelCorrupt` naming the file, or `DeviceMissing`."""

    def __init__(self, path: Path, *, threads: int, device: str) -> None:
        for name in ("model.bin", "config.json"):
            if not (path / name).is_file():
                raise ModelMissing(path / name)
        if device == "cuda" and not ctranslate2.get_cuda_device_count():
            raise DeviceMissing("whisper", device, "CTranslate2 finds no NVIDIA GPU; `nvidia-smi` should list one")
        config = read_json(path / "config.json")
        try:
            self._model: Any = ctranslate2.models.Whisper(
                str(path), device=device, inter_threads=1, intra_threads=threads
            )
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ModelCorrupt(path / "model.bin", str(error)) from error
        self.is_multilingual: bool = self._model.is_multilingual
        self.mel_bands: int = self._model.n_mels
        self.can_align = bool(config.get("alignment_heads"))

    def encode(self, features: Sequence[Float]) -> Encoded:
        """Log-mels of one size, [bands, frames] each."""
        stacked = np.ascontiguousarray(np.stack(features), dtype=np.float32)
        return Encoded(self._model.encode(ctranslate2.StorageView.from_array(stacked), to_cpu=True))

    def detect_languages(self, encoded: Encoded) -> list[str]:
        """The likeliest language of each window. Only for multilingual models."""
        return [ranked[0][0].strip("<|>") for ranked in self._model.detect_language(encoded)]

    def generate(
        self, encoded: Encoded, prompts: Sequence[list[int]], *, beam_size: int, max_tokens: int
    ) -> list[Decoded]:
        """Decode each window after its prompt, greedily or with a beam, into at most `max_tokens` (224 at most)."""
        results = self._model.generate(
            encoded,
            list(prompts),
            beam_size=beam_size,
            max_length=min(LONGEST_SEQUENCE_TOKENS, 2 * max_tokens),  # CTranslate2 writes half of it
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            Decoded(
                ids=tuple(result.sequences_ids[0]),
                logprob=result.scores[0] * len(result.sequences_ids[0]),
                no_speech=result.no_speech_prob,
            )
            for result in results
        ]

    def align(
        self,
        encoded: Encoded,
        rows: Sequence[int],
        *,
        start: Sequence[int],
        texts: Sequence[Sequence[int]],
        frames: Sequence[int],
    ) -> list[list[tuple[int, int]]]:
        """The way (token, 20 ms step) through the audio for the texts of some rows, which share their `start`."""
        part = np.ascontiguousarray(np.array(encoded)[list(rows)])
        results = self._model.align(
            ctranslate2.StorageView.from_array(part), list(start), [list(text) for text in texts], list(frames)
        )
        return [result.alignments for result in results]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model's folder. Raises `ModelCorrupt`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelCorrupt(path, str(error)) from error
    if not isinstance(content, dict):
        raise ModelCorrupt(path, "not a JSON object")
    return cast(dict[str, Any], content)
