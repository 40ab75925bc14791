"""Spoken sentences on disk: made by background processes, read by training while they grow.

A shard is `NAME.npy` (all audio, 16-bit, 16 kHz, one after the other) and `NAME.json` (one record per sentence).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.audio.speech import Audio, Mark, Speech


@dataclass(frozen=True)
class Recording:
    """One sentence of a shard; `words` and `phones` are times in its audio."""

    text: str
    voice: str
    words: tuple[Mark, ...]
    phones: tuple[Mark, ...]
    samples: NDArray[np.int16]

    @property
    def audio(self) -> Audio:
        """The samples as floats."""
        return self.samples.astype(np.float32) / 32768

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / 16_000


def recording(speech: Speech, *, transcript: str) -> Recording:
    """A recording of `speech`, whose words are written as in `transcript`."""
    written = transcript.split(" ")
    words = tuple(Mark(w, m.start_s, m.end_s) for w, m in zip(written, speech.words, strict=True))
    samples = np.clip(speech.audio * 32768, -32768, 32767).astype(np.int16)
    return Recording(transcript, speech.voice, words, speech.phones, samples)


def write_shard(folder: Path, name: str, recordings: Sequence[Recording]) -> None:
    """Write the shard so that readers see it complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{name}.npy", np.concatenate([r.samples for r in recordings]))
    draft = folder / f"{name}.json.part"
    draft.write_text(json.dumps([_record(r) for r in recordings]))
    draft.rename(folder / f"{name}.json")


def _record(item: Recording) -> dict[str, Any]:
    return {
        "text": item.text,
        "voice": item.voice,
        "length": len(item.samples),
        "words": [list(asdict(m).values()) for m in item.words],
        "phones": [list(asdict(m).values()) for m in item.phones],
    }


def read_shard(path: Path) -> Iterator[Recording]:
    """The recordings of the shard whose `.json` is `path`; the audio stays on disk until it is used."""
    samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
    start = 0
    for record in json.loads(path.read_text()):
        end = start + record["length"]
        words, phones = (tuple(Mark(*mark) for mark in record[kind]) for kind in ("words", "phones"))
        yield Recording(record["text"], record["voice"], words, phones, samples[start:end])
        start = end


class Shelf:
    """All shards of a folder; `refresh` takes in those that have appeared since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[Path] = set()
        self.recordings: list[Recording] = []

    def refresh(self) -> int:
        """How many recordings are new."""
        fresh = sorted(set(self._folder.glob("*.json")) - self._seen)
        before = len(self.recordings)
        for path in fresh:
            self.recordings.extend(read_shard(path))
            self._seen.add(path)
        return len(self.recordings) - before
