"""Turns as tensors: what the network reads, and where it decides between lines."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from agent.quote import quote_messages
from training.llm.invent import Turn
from training.llm.tokens import TURN_END, chat_text

POOL_TURNS = 400
"""Turns sorted by length together, so that little padding is read."""


@dataclass(frozen=True)
class Example:
    """One turn in tokens: `ids` are prompt and answer, which begins at `start`.

    `choices` are the places where lines part ways: the index of the token that decides, and the tokens allowed there.
    """

    ids: list[int]
    start: int
    choices: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Batch:
    """ids [batch, time] padded with 0; answer [batch, time] marks answer tokens, text [batch, time] all but padding.

    choice_row and choice_time [n] say where a decision is predicted from, allowed [n, most] which tokens may follow
    (the right one first, padded with -1).
    """

    ids: Tensor
    answer: Tensor
    text: Tensor
    choice_row: Tensor
    choice_time: Tensor
    allowed: Tensor


def encode(turn: Turn, tokenizer: Tokenizer) -> Example:
    """The turn as the engine would see it in quote mode."""
    history = [
        {"role": role, "content": content}
        for pair in turn.history
        for role, content in zip(("user", "assistant"), pair, strict=True)
    ]
    prompt = tokenizer.encode(chat_text(quote_messages(turn.lines, turn.question, history))).ids
    answer = tokenizer.encode(turn.answer + TURN_END).ids
    lines = [tokenizer.encode(line + TURN_END).ids for line in turn.lines]
    choices = tuple((len(prompt) + at, allowed) for at, allowed in branches(answer, lines))
    return Example(ids=prompt + answer, start=len(prompt), choices=choices)


def branches(answer: Sequence[int], lines: Sequence[Sequence[int]]) -> list[tuple[int, tuple[int, ...]]]:
    """Where `lines` that agree with the answer so far part ways: the index, and the tokens allowed, right one first."""
    found: list[tuple[int, tuple[int, ...]]] = []
    for at, token in enumerate(answer):
        agreeing = [line for line in lines if len(line) > at and list(line[:at]) == list(answer[:at])]
        allowed = tuple(dict.fromkeys([token, *(line[at] for line in agreeing)]))
        if len(allowed) > 1:
            found.append((at, allowed))
    return found


def batches(turns: Iterator[Turn], tokenizer: Tokenizer, *, tokens: int, chance: random.Random) -> Iterator[Batch]:
    """Batches of about `tokens` tokens each, without end."""
    while True:
        pool = sorted((encode(next(turns), tokenizer) for _ in range(POOL_TURNS)), key=lambda example: len(example.ids))
        made: list[Batch] = []
        while pool:
            count = max(1, tokens // len(pool[-1].ids))
            made.append(collate(pool[-count:]))
            pool = pool[:-count]
        chance.shuffle(made)
        yield from made


def collate(examples: Sequence[Example]) -> Batch:
    """Pad examples to one length."""
    length = max(len(example.ids) for example in examples)
    places = torch.arange(length)
    lengths = torch.tensor([len(example.ids) for example in examples])[:, None]
    starts = torch.tensor([example.start for example in examples])[:, None]
    decided = [(row, at - 1, allowed) for row, example in enumerate(examples) for at, allowed in example.choices]
    most = max((len(allowed) for _, _, allowed in decided), default=1)
    return Batch(
        ids=torch.tensor([example.ids + [0] * (length - len(example.ids)) for example in examples]),
        answer=(places >= starts) & (places < lengths),
        text=places < lengths,
        choice_row=torch.tensor([row for row, _, _ in decided], dtype=torch.long),
        choice_time=torch.tensor([at for _, at, _ in decided], dtype=torch.long),
        allowed=torch.tensor([[*a, *[-1] * (most - len(a))] for _, _, a in decided], dtype=torch.long).view(-1, most),
    )
