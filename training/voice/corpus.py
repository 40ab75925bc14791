"""What the voice learns from: the teacher's audio with the length of every phoneme and the pitch of every frame.

`python -m training.voice.corpus FOLDER` writes numbered shards; a shard is repeatable from its number.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
from piper.phonemize_espeak import EspeakPhonemizer

from training.voice.alignment import align
from training.voice.flite import PITCH_STEP_S, SAMPLE_RATE_HZ, Flite, Segment, Spoken
from training.voice.texts import texts

HOP = 128
"""Samples per frame: 8 ms."""
SHARD_SIZE = 1000
DEV_SHARD = 999
ESPEAK_VOICE = "en-us"

_LEAD_S, _TAIL_S = 0.05, 0.1
_LONGEST_S = 9.0
_WORST_ALIGNMENT = 0.22
_FEWEST_VOICED = 10


@dataclass(frozen=True)
class Example:
    """One sentence: audio [frames * HOP], ids [tokens], lengths in frames [tokens] (pads: 0), pitch [frames]."""

    audio: NDArray[np.int16]
    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    pitch_hz: NDArray[np.float32]


class Teacher:
    """Turns a text into an `Example`, or None where teacher and phonemizer read it too differently."""

    def __init__(self) -> None:
        self._flite = Flite()
        self._phonemizer = EspeakPhonemizer()

    def example(self, text: str) -> Example | None:
        sentences = self._phonemizer.phonemize(ESPEAK_VOICE, text)
        if len(sentences) != 1 or any(phoneme not in DEFAULT_PHONEME_ID_MAP for phoneme in sentences[0]):
            return None
        spoken = self._flite.speak(text)
        return _matched(spoken, sentences[0]) if _is_usable(spoken) else None


def _is_usable(spoken: Spoken) -> bool:
    framed_by_pauses = spoken.segments[0].phone == spoken.segments[-1].phone == "pau" and len(spoken.segments) > 2
    short_enough = len(spoken.audio) < _LONGEST_S * SAMPLE_RATE_HZ
    return framed_by_pauses and short_enough and int(spoken.voiced.sum()) >= _FEWEST_VOICED


def _matched(spoken: Spoken, phonemes: list[str]) -> Example | None:
    said = spoken.segments[1:-1]
    alignment = align(said, phonemes)
    if alignment.cost > _WORST_ALIGNMENT:
        return None
    start_s = spoken.segments[0].length_s - _LEAD_S
    lengths_s = np.concatenate([[_LEAD_S], alignment.lengths_s, [_tail_s(spoken.segments[-1])]])
    ends = np.round(np.cumsum(lengths_s) * SAMPLE_RATE_HZ / HOP).astype(np.int64)
    return Example(
        audio=_cut(spoken.audio, start=round(start_s * SAMPLE_RATE_HZ), length=int(ends[-1]) * HOP),
        ids=with_pads([DEFAULT_PHONEME_ID_MAP[phoneme][0] for phoneme in ("^", *phonemes, "$")]),
        lengths=with_pads(np.diff(ends, prepend=0)),
        pitch_hz=_frame_pitch(spoken, start_s=start_s, frames=int(ends[-1])),
    )


def _tail_s(last_pause: Segment) -> float:
    return min(_TAIL_S, last_pause.length_s)


def _cut(audio: NDArray[np.int16], *, start: int, length: int) -> NDArray[np.int16]:
    piece = audio[start : start + length]
    return np.pad(piece, (0, length - len(piece)))


def with_pads(values: list[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Zeros between the values, as Piper puts its pad (id 0) between phonemes."""
    padded = np.zeros(2 * len(values) - 1, np.int64)
    padded[::2] = values
    return padded


def _frame_pitch(spoken: Spoken, *, start_s: float, frames: int) -> NDArray[np.float32]:
    """Pitch at the middle of each frame, drawn straight (in octaves) through voiceless stretches."""
    times_s = np.arange(len(spoken.pitch_hz)) * PITCH_STEP_S - start_s
    middles_s = (np.arange(frames) + 0.5) * HOP / SAMPLE_RATE_HZ
    log_pitch = np.log(spoken.pitch_hz[spoken.voiced])
    return np.exp(np.interp(middles_s, times_s[spoken.voiced], log_pitch)).astype(np.float32)


def examples(*, seed: int) -> Iterator[Example]:
    teacher = Teacher()
    for text in texts(seed=seed):
        example = teacher.example(text)
        if example is not None:
            yield example


def save(path: Path, items: list[Example]) -> None:
    """Write one shard; a half-written shard never carries its final name."""
    fields = {name: [getattr(item, name) for item in items] for name in ("audio", "ids", "lengths", "pitch_hz")}
    arrays = {name: np.concatenate(values) for name, values in fields.items()}
    sizes = np.array([[len(item.audio), len(item.ids), len(item.pitch_hz)] for item in items])
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, sizes=sizes, **arrays)
    partial.rename(path)


def load(path: Path) -> list[Example]:
    with np.load(path) as shard:
        audio_ends, id_ends, frame_ends = np.cumsum(shard["sizes"], axis=0)[:-1].T
        columns = (
            np.split(shard["audio"], audio_ends),
            np.split(shard["ids"], id_ends),
            np.split(shard["lengths"], id_ends),
            np.split(shard["pitch_hz"], frame_ends),
        )
    return [Example(*fields) for fields in zip(*columns, strict=True)]


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:03}.npz"


def make_shard(folder: Path, *, number: int, size: int = SHARD_SIZE) -> Path:
    """Make one shard unless it is already there."""
    path = shard_path(folder, number)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        stream = examples(seed=number)
        save(path, [next(stream) for _ in range(size)])
    return path


def load_training(folder: Path) -> list[Example]:
    """Every shard of the folder but the one kept for validation."""
    paths = sorted(path for path in folder.glob("shard-???.npz") if path != shard_path(folder, DEV_SHARD))
    return [example for path in paths for example in load(path)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=6)
    arguments = parser.parse_args()
    make_shard(arguments.folder, number=DEV_SHARD, size=64)
    for number in range(arguments.shards):
        started = time.monotonic()
        path = make_shard(arguments.folder, number=number)
        seconds = sum(len(example.audio) for example in load(path)) / SAMPLE_RATE_HZ
        print(f"{path.name}: {seconds / 60:.0f} min of speech in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
