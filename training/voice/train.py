"""Trains the starter voice: `python -m training.voice.train` makes the corpus, trains, exports.

Needs flite and a dictionary (`apt-get install flite wamerican`); one core is enough.
"""

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from training.voice.batches import batches, without_stop
from training.voice.calibration import calibrate
from training.voice.corpus import DEV_SHARD, Example, load, load_training, make_shard, shard_path
from training.voice.export import export, teach_unseen
from training.voice.losses import losses
from training.voice.model import Voice

STARTER = Path("models/starter/voice.onnx")
_WARM_UP_STEPS = 50
_REPORT_S = 30.0
_WITHOUT_STOP = 0.2


@dataclass(frozen=True)
class Plan:
    """How to train. A batch holds `batch_frames` frames of 8 ms."""

    corpus: Path
    checkpoint: Path
    minutes: float
    learning_rate: float = 2e-3
    batch_frames: int = 3000
    seed: int = 1


@dataclass
class Progress:
    """Time spent, steps made, and the losses since the last report."""

    plan: Plan
    started_s: float = field(default_factory=time.monotonic)
    reported_s: float = field(default_factory=time.monotonic)
    steps: int = 0
    recent: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return (time.monotonic() - self.started_s) / (60 * self.plan.minutes)

    def learning_rate(self) -> float:
        """Rises over the first steps, then falls along a cosine over the time given."""
        warm = min(1.0, (self.steps + 1) / _WARM_UP_STEPS)
        return self.plan.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * min(1.0, self.share))) + 1e-6

    def report_due(self) -> bool:
        return time.monotonic() - self.reported_s > _REPORT_S

    def report(self) -> None:
        elapsed_min = (time.monotonic() - self.started_s) / 60
        print(f"{elapsed_min:.1f} min, step {self.steps}: {described(self.recent)}", flush=True)
        self.recent, self.reported_s = [], time.monotonic()


def described(rows: Sequence[tuple[float, ...]]) -> str:
    names = ("log spectrum", "magnitude", "pitch", "length")
    means = torch.tensor(rows).mean(0).tolist()
    return ", ".join(f"{name} {mean:.4f}" for name, mean in zip(names, means, strict=True))


def train(voice: Voice, plan: Plan) -> None:
    """Train until the time is over; shards that appear meanwhile join at the next pass over the corpus."""
    rng = random.Random(plan.seed)
    optimizer = torch.optim.AdamW(voice.parameters(), plan.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    progress = Progress(plan)
    voice.train()
    while progress.share < 1:
        _one_pass(voice, optimizer, progress, rng=rng)
    _save(voice, plan.checkpoint)


def _one_pass(voice: Voice, optimizer: torch.optim.Optimizer, progress: Progress, *, rng: random.Random) -> None:
    examples = [_as_written(example, rng) for example in load_training(progress.plan.corpus)]
    for batch in batches(examples, frames=progress.plan.batch_frames, rng=rng):
        if progress.share >= 1:
            return
        for group in optimizer.param_groups:
            group["lr"] = progress.learning_rate()
        loss = losses(voice, batch)
        optimizer.zero_grad()
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(voice.parameters(), 1.0)
        optimizer.step()
        progress.steps += 1
        progress.recent.append(loss.values())
        if progress.report_due():
            progress.report()
            _save(voice, progress.plan.checkpoint)


def _as_written(example: Example, rng: random.Random) -> Example:
    """Many texts come without a final mark, so some of the training does too."""
    return without_stop(example) if rng.random() < _WITHOUT_STOP else example


def _save(voice: Voice, path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(voice.state_dict(), partial)
    partial.replace(path)


def validate(voice: Voice, examples: Sequence[Example], *, frames: int) -> str:
    voice.eval()
    with torch.no_grad():
        stacked = batches(examples, frames=frames, rng=random.Random(0))
        return described([losses(voice, batch).values() for batch in stacked])


def seen_ids(examples: Sequence[Example]) -> set[int]:
    return {int(symbol) for example in examples for symbol in example.ids}


def make_corpus(folder: Path, *, shards: int) -> None:
    for number in (DEV_SHARD, *range(shards)):
        make_shard(folder, number=number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("run/training/voice"), help="corpus and checkpoint go here")
    parser.add_argument("--out", type=Path, default=STARTER)
    parser.add_argument("--shards", type=int, default=6, help="thousands of sentences")
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--resume", action="store_true", help="start from the checkpoint")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def _resumed(voice: Voice, checkpoint: Path) -> Voice:
    voice.load_state_dict(torch.load(checkpoint, weights_only=True))
    return voice


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    plan = Plan(
        corpus=arguments.work / "corpus",
        checkpoint=arguments.work / "voice.pt",
        minutes=arguments.minutes,
        learning_rate=arguments.learning_rate,
    )
    make_corpus(plan.corpus, shards=arguments.shards)
    voice = _resumed(Voice(), plan.checkpoint) if arguments.resume else Voice()
    train(voice, plan)
    _publish(voice, plan, arguments.out)


def _publish(voice: Voice, plan: Plan, out: Path) -> None:
    kept_back = load(shard_path(plan.corpus, DEV_SHARD))
    print("validation:", validate(voice, kept_back, frames=plan.batch_frames))
    teach_unseen(voice, seen=seen_ids(load_training(plan.corpus)))
    export(voice, out, calibration=calibrate(voice, kept_back))


if __name__ == "__main__":
    main()
