"""The starter's words in pieces: a byte-level BPE that keeps first letters and digits apart.

"Zorvik" and "zorvik" then share all pieces but the first, and names and numbers never seen are spelled like any other.
"""

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (END_OF_TEXT, TURN_START, TURN_END)
_SPACE = "Ġ"
"""How byte-level BPE writes a space."""
_WHOLE_WORDS = """
the of and to in on at is are a an for from you your we our what when where who how which can it or not be by
with do does much long until have has my about any there that may please open costs between day room if as all
no people minutes hours euros caller lines line house says callers answers answer word pick words its own this
"""
"""Frequent enough to be one piece after a space, first letter and all."""

Merge = tuple[str, str]


def train_tokenizer(texts: Iterable[str], *, pieces: int) -> Tokenizer:
    """Learn a vocabulary of about `pieces` from `texts`."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned = _learn([tail for text in texts for tail in _tails(text, split)], split=split, pieces=pieces)
    first_letters = [(_SPACE, chr(code)) for code in range(33, 127)]
    merges = first_letters + learned
    return _add_special(_build(merges + _whole_words(_build(merges))))


def chat_text(messages: Iterable[dict[str, str]]) -> str:
    """Messages in ChatML, up to where the answer begins."""
    turns = "".join(f"{TURN_START}{turn['role']}\n{turn['content']}{TURN_END}\n" for turn in messages)
    return f"{turns}{TURN_START}assistant\n"


CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""`chat_text` as Jinja, for the GGUF."""


def merges_of(tokenizer: Tokenizer) -> list[str]:
    """The merges in order, each as "left right"."""
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]


def _tails(text: str, split: pre_tokenizers.ByteLevel) -> list[str]:
    """The words of `text` without their first letters; digits and signs have none."""
    words = (word.removeprefix(_SPACE) for word, _ in split.pre_tokenize_str(text))
    return [word[1:] for word in words if word.isascii() and word.isalpha() and word[1:].islower()]


def _learn(tails: list[str], *, split: pre_tokenizers.ByteLevel, pieces: int) -> list[Merge]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split
    size = pieces - 256 - len(SPECIAL)
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(tails, trainer)
    return [(left, right) for left, right in (merge.split(" ") for merge in merges_of(tokenizer))]


def _whole_words(tokenizer: Tokenizer) -> list[Merge]:
    merges: list[Merge] = []
    for word in _WHOLE_WORDS.split():
        head = _SPACE + word[0]
        for piece in tokenizer.encode(word[1:]).tokens if word[1:] else []:
            if (head, piece) not in merges:
                merges.append((head, piece))
            head += piece
    return merges


def _build(merges: list[Merge]) -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = dict.fromkeys([*alphabet, *(left + right for left, right in merges)])
    tokenizer = Tokenizer(models.BPE(vocab={piece: index for index, piece in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _add_special(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer
