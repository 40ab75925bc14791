"""Train the starter Whisper: `python -m training.stt.train` speaks, trains, and exports to `models/starter/whisper`.

Everything it makes on the way lies in a work folder, so that it goes on where it stopped:
recordings (growing while it trains), `tokenizer.json`, `phones.json`, `checkpoint.pt`.
"""

import argparse
import json
import logging
import math
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from training.stt.batches import IGNORED, Batch, Batches, Phones
from training.stt.export import export
from training.stt.model import Output, Shape, Whisper
from training.stt.recordings import Shelf
from training.stt.sentences import AGENT, CALLERS, ROOT, corpus
from training.stt.tokens import Codec, train_tokenizer

log = logging.getLogger("training.stt")
WARM_UP_STEPS = 100
GAZE_WEIGHT = 0.5
PHONE_WEIGHT = 1.0
GAZE_SLACK_FRAMES = 3
REPLAYED_BATCHES = 64
LOG_EVERY = 25
DEFAULT_FOLDER = ROOT / "run" / "training" / "stt"
STARTER = ROOT / "models" / "starter" / "whisper"


@dataclass(frozen=True)
class Plan:
    """How to train."""

    minutes: float
    peak_rate: float
    batch_s: float
    threads: int
    export_every_s: float
    replays: int


class Learner(nn.Module):
    """The model with the heads that only training needs: one phoneme classifier for each synthesizer."""

    def __init__(self, shape: Shape, phone_classes: list[int]) -> None:
        super().__init__()
        self.model = Whisper(shape)
        self.phone_heads = nn.ModuleList(nn.Linear(shape.width, size) for size in phone_classes)

    def encode(self, batch: Batch) -> Tensor:
        """The frames of a batch."""
        return self.model.encoder(batch.mel)

    def losses(self, frames: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Mean losses of the decoder: of the tokens, and of where the guided heads look."""
        output: Output = self.model.decode(frames, batch.tokens)
        return {
            "tokens": functional.cross_entropy(output.logits.transpose(1, 2), batch.labels, ignore_index=IGNORED),
            "gaze": gaze_loss(output.gaze, batch.gaze),
        }

    def phone_loss(self, frames: Tensor, classes: Tensor) -> Tensor:
        """How badly the encoder knows the phoneme of each frame."""
        sums = [
            functional.cross_entropy(head(frames).transpose(1, 2), wanted, ignore_index=IGNORED, reduction="sum")
            for head, wanted in zip(self.phone_heads, classes, strict=True)
        ]
        return torch.stack(sums).sum() / (classes != IGNORED).sum().clamp(min=1)


def gaze_loss(gazes: tuple[Tensor, ...], spans: Tensor) -> Tensor:
    """How little of each guided head's attention [n, t, f] lies where it should; spans [n, t, 2] of the labels.

    The first layer looks at the token just read, whose sound it knows; from there the others find what
    is to be written next.
    """
    none = spans.new_full((len(spans), 1, 2), -1)
    just_read = torch.cat([none, spans[:, :-1]], dim=1)
    wanted = [just_read] + [spans] * (len(gazes) - 1)
    return torch.stack([_astray(gaze, span) for gaze, span in zip(gazes, wanted, strict=True)]).mean()


def _astray(gaze: Tensor, spans: Tensor) -> Tensor:
    frame = torch.arange(gaze.shape[-1])
    first, last = spans[..., :1] - GAZE_SLACK_FRAMES, spans[..., 1:] + GAZE_SLACK_FRAMES
    inside = ((frame >= first) & (frame < last)).float()
    counts = (spans[..., 0] >= 0).float()
    return -(((gaze * inside).sum(-1) + 1e-4).log() * counts).sum() / counts.sum().clamp(min=1)


class Trainer:
    """One training run that can be stopped and taken up again."""

    def __init__(self, folder: Path, codec: Codec, phones: Phones, plan: Plan, shape: Shape) -> None:
        self._folder, self._codec, self._phones, self._plan = folder, codec, phones, plan
        self.learner = Learner(shape, phones.sizes())
        self._optimizer = torch.optim.AdamW(_groups(self.learner), lr=plan.peak_rate, betas=(0.9, 0.98), fused=True)
        self._recent: deque[tuple[Tensor, Batch]] = deque(maxlen=REPLAYED_BATCHES)
        self._step = 0
        self._spent_s = 0.0
        self._checkpoint = folder / "checkpoint.pt"
        if self._checkpoint.exists():
            self._resume()

    def run(self) -> None:
        """Train until the planned minutes are over, exporting now and then."""
        started = last_export = time.monotonic()
        before_s = self._spent_s
        sums: dict[str, float] = {}
        for batch in self._batches():
            self._spent_s = before_s + time.monotonic() - started
            if self._spent_s >= self._plan.minutes * 60:
                break
            losses = self._learn(batch)
            sums = {name: sums.get(name, 0.0) + float(loss) for name, loss in losses.items()}
            if self._step % LOG_EVERY == 0:
                self._report(sums, batch)
                sums = {}
            if time.monotonic() - last_export > self._plan.export_every_s:
                self.save()
                last_export = time.monotonic()
        self.save()
        shutil.copy(self._checkpoint, self._folder / f"round-{self._plan.minutes:.0f}.pt")

    def save(self) -> None:
        """Write the checkpoint, then the model as CTranslate2 reads it."""
        state = {
            "learner": self.learner.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "spent_s": self._spent_s,
        }
        draft = self._checkpoint.with_suffix(".part")
        torch.save(state, draft)
        draft.rename(self._checkpoint)
        export(self.learner.model, self._codec, self._folder / "whisper")

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self._checkpoint, weights_only=True)
        self._step, self._spent_s = state["step"], state["spent_s"]
        self.learner.load_state_dict(state["learner"])
        self._optimizer.load_state_dict(state["optimizer"])
        for group in self._optimizer.param_groups:
            group["fused"] = True

    def _batches(self) -> Iterator[Batch]:
        plan = self._plan
        recordings = self._folder / "recordings"
        stream = Batches(recordings, self._codec, self._phones, batch_s=plan.batch_s, first=self._step)
        return iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=16))

    def _learn(self, batch: Batch) -> dict[str, Tensor]:
        frames = self.learner.encode(batch)
        losses = self.learner.losses(frames, batch)
        phones = self.learner.phone_loss(frames, batch.phones)
        self._update(losses["tokens"] + GAZE_WEIGHT * losses["gaze"] + PHONE_WEIGHT * phones)
        self._recent.append((frames.detach(), batch))
        for _ in range(self._plan.replays):
            self._replay()
        self._step += 1
        return {name: loss.detach() for name, loss in {**losses, "phones": phones}.items()}

    def _replay(self) -> None:
        """Train only the decoder on what the encoder said of a recent batch: a quarter of the work of a new one."""
        frames, batch = random.choice(self._recent)
        losses = self.learner.losses(frames, batch)
        self._update(losses["tokens"] + GAZE_WEIGHT * losses["gaze"])

    def _update(self, loss: Tensor) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self._optimizer.step()

    def _rate(self) -> float:
        done = min(1.0, self._spent_s / (self._plan.minutes * 60))
        warm = min(1.0, (self._step + 1) / WARM_UP_STEPS)
        return self._plan.peak_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))

    def _report(self, sums: dict[str, float], batch: Batch) -> None:
        means = " ".join(f"{name} {value / LOG_EVERY:.3f}" for name, value in sums.items())
        log.info("step %d, %.0f s, %s, batch %s", self._step, self._spent_s, means, tuple(batch.mel.shape))


def _groups(learner: Learner) -> list[dict[str, Any]]:
    """Matrices decay, vectors do not."""
    learned = [p for p in learner.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in learned if p.ndim == 1], "weight_decay": 0.0},
    ]


def prepare_codec(folder: Path) -> Codec:
    """The vocabulary, learned on the first call."""
    path = folder / "tokenizer.json"
    if not path.exists():
        texts = [*corpus(CALLERS, size=40_000, seed=11), *corpus(AGENT, size=6_000, seed=12)]
        train_tokenizer(texts).save(str(path))
    return Codec.load(path)


def prepare_phones(folder: Path) -> Phones:
    """The phoneme classes, counted on the first call."""
    path = folder / "phones.json"
    if not path.exists():
        shelf = Shelf(folder / "recordings")
        shelf.refresh()
        path.write_text(json.dumps(Phones.count(shelf.recordings).labels))
    return Phones(json.loads(path.read_text()))


@contextmanager
def recorder(folder: Path, *, seed: int, shards: int) -> Iterator[None]:
    """Another process that speaks new sentences as long as the block runs."""
    command = [sys.executable, "-m", "training.stt.record", str(folder), "--seed", str(seed), "--shards", str(shards)]
    process = subprocess.Popen(["nice", "-n", "19", *command], cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for_recordings(folder: Path, *, shards: int) -> None:
    """Return when there is enough to begin with."""
    while len(list(folder.glob("*.json"))) < shards:
        time.sleep(1)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--minutes", type=float, default=220)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch-s", type=float, default=45)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--export-every", type=float, default=300, help="seconds")
    parser.add_argument("--replays", type=int, default=1, help="decoder steps on recent batches after each step")
    parser.add_argument("--first-shards", type=int, default=20, help="recordings to wait for, in shards")
    parser.add_argument("--shards", type=int, default=400, help="recordings to make in all; 0 if there are enough")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=STARTER)
    return parser.parse_args()


def main() -> None:
    """Speak, train, export."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    options = arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    recordings = options.folder / "recordings"
    plan = Plan(options.minutes, options.rate, options.batch_s, options.threads, options.export_every, options.replays)
    with recorder(recordings, seed=options.seed, shards=options.shards):
        codec = prepare_codec(options.folder)
        wait_for_recordings(recordings, shards=options.first_shards)
        shape = Shape(vocabulary=codec.size, width=options.width)
        trainer = Trainer(options.folder, codec, prepare_phones(options.folder), plan, shape)
        log.info("%s, %s, %d parameters", asdict(plan), asdict(shape), trainer.learner.model.parameter_count())
        trainer.run()
    export(trainer.learner.model, codec, options.output)


if __name__ == "__main__":
    main()
