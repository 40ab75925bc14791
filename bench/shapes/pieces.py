"""A vocabulary of any size: byte-level BPE learned from the repository's own English, then words that nobody says.

Prompts then have about as many tokens as with the vocabulary whose size it takes.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import count, islice, product
from string import ascii_lowercase

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from agent.settings import ROOT

LEARNED_PIECES = 3000
"""So many give 4.3 characters a token on the demo documents, about what the real vocabularies give on English."""
TEXTS = ("knowledge/demo/*.md", "agent/prompts/*", "bench/questions.txt", "training/llm/*.txt")
SPACE = "Ġ"
"""How byte-level BPE writes a space."""


def vocabulary(size: int, *, special: tuple[str, ...] = ()) -> Tokenizer:
    """A tokenizer of exactly `size` tokens, the `special` ones last."""
    learned = _learned()
    merges = merges_of(learned)
    known = sorted(learned.get_vocab(), key=learned.get_vocab().__getitem__)
    pieces = [*known, *islice(_fillers(frozenset(known)), size - len(special) - len(known))]
    tokenizer = Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    if tokenizer.get_vocab_size() != size:
        raise ValueError(f"{size} tokens are too few for what was learned")
    return tokenizer


def merges_of(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """The merges in the order in which they apply."""
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(left, right) for left, right in (one.split(" ") if isinstance(one, str) else one for one in merges)]


@cache
def _learned() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=LEARNED_PIECES, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return tokenizer


def _texts() -> Iterator[str]:
    for pattern in TEXTS:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path.suffix in (".md", ".txt", ".toml"):
                yield path.read_text(encoding="utf-8")


def _fillers(known: frozenset[str]) -> Iterator[str]:
    """Words of letters, shortest first, that no merge ever makes."""
    for length in count(3):
        for letters in product(ascii_lowercase, repeat=length):
            if (word := SPACE + "".join(letters)) not in known:
                yield word
