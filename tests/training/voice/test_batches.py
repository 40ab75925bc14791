"""Examples become padded batches."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from training.voice.batches import batches, stack, without_stop
from training.voice.corpus import HOP, Example, load, save
from training.voice.synthesis import BEFORE


def example(lengths: list[int], *, ids: list[int] | None = None) -> Example:
    frames = sum(lengths)
    return Example(
        audio=np.full(frames * HOP, 100, np.int16),
        ids=np.array(ids or range(1, len(lengths) + 1), np.int64),
        lengths=np.array(lengths, np.int64),
        pitch_hz=np.full(frames, 120.0, np.float32),
    )


def test_every_frame_knows_its_phoneme_and_its_place_in_it() -> None:
    batch = stack([example([2, 0, 3])])
    assert batch.owner.tolist() == [[0, 0, 2, 2, 2]]
    assert batch.place[0, :, 0].tolist() == pytest.approx([1 / 4, 3 / 4, 1 / 6, 3 / 6, 5 / 6])


def test_shorter_examples_are_padded_and_masked() -> None:
    batch = stack([example([2, 3]), example([1, 1, 1])])
    assert batch.token_mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.frame_mask.sum(1).tolist() == [5, 3]
    assert batch.audio.shape == (2, 5 * HOP + 2 * BEFORE)
    assert torch.isfinite(batch.place).all()


def test_every_example_comes_once_and_batches_keep_their_size() -> None:
    examples = [example([1 + number % 7, 4], ids=[number + 1, 2]) for number in range(40)]
    stacked = list(batches(examples, frames=50, rng=random.Random(1)))
    assert sorted(int(row[0]) for batch in stacked for row in batch.ids) == list(range(1, 41))
    assert all(batch.pitch_hz.numel() <= 50 for batch in stacked)


def test_a_final_mark_that_takes_no_time_can_be_left_out() -> None:
    ids = [1, 0, 15, 0, 16, 0, 17, 0, 18, 0, 10, 0, 2]
    spoken = example([3, 0, 4, 0, 4, 0, 4, 0, 4, 0, 0, 0, 5], ids=ids)
    shorter = without_stop(spoken)
    assert shorter.ids.tolist() == [1, 0, 15, 0, 16, 0, 17, 0, 18, 0, 2]
    assert shorter.lengths.sum() == spoken.lengths.sum()


def test_a_final_mark_that_takes_time_stays() -> None:
    spoken = example([3, 0, 4, 0, 4, 0, 4, 0, 4, 0, 6, 0, 5])
    assert without_stop(spoken) is spoken


def test_a_shard_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = [example([2, 3]), example([1, 1, 4])]
    save(tmp_path / "shard-000.npz", written)
    read = load(tmp_path / "shard-000.npz")
    assert [item.lengths.tolist() for item in read] == [[2, 3], [1, 1, 4]]
    assert [len(item.audio) for item in read] == [5 * HOP, 6 * HOP]
