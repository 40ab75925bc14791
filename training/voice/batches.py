"""Examples of like length, padded and stacked for the network."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from training.voice.corpus import Example
from training.voice.model import place_in_phoneme
from training.voice.synthesis import BEFORE

FULL_SCALE = 32768
_QUIET_PITCH_HZ = 170.0
_SHUFFLE_FRAMES = 30.0
_END_TOKENS = 3
"""Final punctuation mark, pad and end symbol."""


@dataclass(frozen=True)
class Batch:
    """ids, lengths, token_mask [B, T]; owner, pitch_hz, frame_mask [B, F]; place [B, F, 4]; audio with margins."""

    ids: Tensor
    lengths: Tensor
    token_mask: Tensor
    owner: Tensor
    place: Tensor
    pitch_hz: Tensor
    frame_mask: Tensor
    audio: Tensor

    @property
    def frames(self) -> int:
        return self.pitch_hz.shape[1]


def batches(examples: Sequence[Example], *, frames: int, rng: random.Random) -> Iterator[Batch]:
    """Every example once, in batches of about `frames` frames (padding counted), in random order."""
    groups = _groups(examples, frames=frames, rng=rng)
    rng.shuffle(groups)
    for group in groups:
        yield stack(group)


def _groups(examples: Sequence[Example], *, frames: int, rng: random.Random) -> list[list[Example]]:
    groups: list[list[Example]] = [[]]
    longest = 0
    for example in sorted(examples, key=lambda item: len(item.pitch_hz) + rng.random() * _SHUFFLE_FRAMES):
        longest = max(longest, len(example.pitch_hz))
        if groups[-1] and (len(groups[-1]) + 1) * longest > frames:
            groups.append([])
            longest = len(example.pitch_hz)
        groups[-1].append(example)
    return groups


def stack(group: Sequence[Example]) -> Batch:
    audio = _padded([example.audio.astype(np.float32) / FULL_SCALE for example in group])
    return Batch(
        ids=_padded([example.ids for example in group]),
        lengths=_padded([example.lengths for example in group]).float(),
        token_mask=_padded([np.ones(len(example.ids), np.float32) for example in group]),
        owner=_padded([_owners(example) for example in group]),
        place=_padded([_places(example) for example in group]),
        pitch_hz=_padded([example.pitch_hz for example in group], fill=_QUIET_PITCH_HZ),
        frame_mask=_padded([np.ones(len(example.pitch_hz), np.float32) for example in group]),
        audio=functional.pad(audio, (BEFORE, BEFORE)),
    )


def _padded(rows: Sequence[NDArray[np.generic]], *, fill: float = 0.0) -> Tensor:
    return pad_sequence([torch.from_numpy(row) for row in rows], batch_first=True, padding_value=fill)


def _owners(example: Example) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(example.ids)), example.lengths)


def _places(example: Example) -> NDArray[np.float32]:
    owner = _owners(example)
    starts = (np.cumsum(example.lengths) - example.lengths)[owner]
    columns = (np.arange(len(owner)), starts, example.lengths[owner])
    return place_in_phoneme(*(torch.from_numpy(column).float() for column in columns)).numpy()


def without_stop(example: Example) -> Example:
    """The same speech written without its final punctuation mark, where that mark takes no time."""
    if len(example.ids) < 4 * _END_TOKENS or example.lengths[-_END_TOKENS] > 0:
        return example
    kept = np.r_[0 : len(example.ids) - _END_TOKENS, len(example.ids) - 1]
    return replace(example, ids=example.ids[kept], lengths=example.lengths[kept])
