"""`python -m training.llm.train`: make the starter language model, from nothing, on one core."""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from agent.prompts import read_stock
from agent.quote import quote_messages
from training.llm.batches import Batch, batches
from training.llm.export import write_gguf
from training.llm.invent import Caller
from training.llm.network import Network, Shape
from training.llm.tokens import chat_text, train_tokenizer

DEFAULT_OUT = Path("models/starter/llama.gguf")
REPORT_STEPS = 20


@dataclass(frozen=True)
class Recipe:
    """How long (in minutes of processor time) and how hard to train."""

    minutes: float = 10.0
    threads: int = 1
    pieces: int = 1600
    tokenizer_turns: int = 2500
    batch_tokens: int = 4096
    rate: float = 1e-3
    warm_up_steps: int = 60
    decay: float = 0.02
    seed: int = 1


class Progress:
    """How far the processor's time is gone, and what the learning rate is there: up, level, down to 3 %."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._began_s = time.process_time()

    @property
    def minutes(self) -> float:
        return (time.process_time() - self._began_s) / 60

    @property
    def share(self) -> float:
        return self.minutes / self._recipe.minutes

    def rate(self, step: int) -> float:
        rising = min(1.0, (step + 1) / self._recipe.warm_up_steps)
        falling = 1.0 if self.share < 0.4 else max(0.03, (1 - self.share) / 0.6)
        return self._recipe.rate * rising * falling


def main() -> None:
    """Train, keep a checkpoint beside the result, and write the GGUF."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--work", type=Path, default=Path(".cache/training/llm"))
    parser.add_argument("--minutes", type=float, default=Recipe.minutes)
    options = parser.parse_args()
    network, tokenizer = train(Recipe(minutes=options.minutes), work=options.work)
    write_gguf(options.out, network, tokenizer)
    print(f"wrote {options.out} ({options.out.stat().st_size / 1e6:.1f} MB)")


def train(recipe: Recipe, *, work: Path) -> tuple[Network, Tokenizer]:
    """A network and its tokenizer; a checkpoint of both is kept in `work` all along."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    work.mkdir(parents=True, exist_ok=True)
    chance = random.Random(recipe.seed)
    caller = Caller(chance, stock={name: line.text for name, line in read_stock().items()})
    tokenizer = train_tokenizer(_sample_texts(caller, recipe.tokenizer_turns), pieces=recipe.pieces)
    tokenizer.save(str(work / "tokenizer.json"))
    network = Network(Shape(vocabulary=tokenizer.get_vocab_size()))
    print(f"{sum(weight.numel() for weight in network.parameters()):,} parameters", flush=True)
    optimizers, progress, report = make_optimizers(network, recipe), Progress(recipe), Report()
    for step, batch in enumerate(batches(caller.turns(), tokenizer, tokens=recipe.batch_tokens, chance=chance)):
        if progress.share >= 1:
            break
        learn(network, batch, optimizers, rate=progress.rate(step), report=report)
        if step % REPORT_STEPS == 0:
            report.show(step, progress)
            torch.save({"shape": network.shape.as_dict(), "weights": network.state_dict()}, work / "network.pt")
    return network, tokenizer


def _sample_texts(caller: Caller, turns: int) -> list[str]:
    return [chat_text(quote_messages(t.lines, t.question)) for t, _ in zip(caller.turns(), range(turns), strict=False)]


def make_optimizers(network: Network, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for embedding and norms."""
    inside = [weight for weight in network.blk.parameters() if weight.dim() == 2]
    rest = [weight for weight in network.parameters() if not any(weight is other for other in inside)]
    return [
        torch.optim.Muon(inside, lr=recipe.rate, weight_decay=recipe.decay, adjust_lr_fn="match_rms_adamw", ns_steps=3),
        torch.optim.AdamW(rest, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def learn(
    network: Network, batch: Batch, optimizers: list[torch.optim.Optimizer], *, rate: float, report: "Report"
) -> None:
    """One step: mostly deciding between lines, a little of copying them and of reading prose."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
    hidden = network.hidden(batch.ids)
    deciding, right = decision_loss(network, hidden, batch)
    copying, reading = wording_losses(network, hidden, batch)
    (deciding + 0.3 * copying + 0.1 * reading).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    report.add(tokens=batch.text.sum().item(), losses=(deciding.item(), copying.item(), reading.item()), right=right)


def decision_loss(network: Network, hidden: Tensor, batch: Batch) -> tuple[Tensor, float]:
    """Cross-entropy among the allowed tokens alone, as the grammar will have it, and the share decided rightly."""
    states = hidden[batch.choice_row, batch.choice_time]
    candidates = network.token_embd.weight[batch.allowed.clamp(min=0)]
    logits = torch.einsum("nw,nmw->nm", states, candidates).masked_fill(batch.allowed < 0, -1e9)
    truth = torch.zeros(len(logits), dtype=torch.long)
    return functional.cross_entropy(logits, truth), (logits.argmax(dim=1) == 0).float().mean().item()


def wording_losses(network: Network, hidden: Tensor, batch: Batch, *, share: float = 0.1) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the answers' tokens, and of a random `share` of all others."""
    following = batch.ids[:, 1:]
    answer = batch.answer[:, 1:]
    others = batch.text[:, 1:] & ~answer & (torch.rand(answer.shape) < share)
    losses = []
    for where in (answer, others):
        logits = functional.linear(hidden[:, :-1][where], network.token_embd.weight)
        losses.append(functional.cross_entropy(logits, following[where]))
    return losses[0], losses[1]


class Report:
    """Averages since the last line shown."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._rows: list[tuple[float, ...]] = []

    def add(self, *, tokens: float, losses: tuple[float, float, float], right: float) -> None:
        self._tokens += tokens
        self._rows.append((*losses, right))

    def show(self, step: int, progress: Progress) -> None:
        means = [sum(column) / len(column) for column in zip(*self._rows, strict=True)]
        self._rows.clear()
        print(
            f"step {step} {progress.minutes:.1f} min {self._tokens / 1e6:.2f} Mtokens: deciding {means[0]:.3f} "
            f"copying {means[1]:.3f} reading {means[2]:.3f}, decided rightly {means[3]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
