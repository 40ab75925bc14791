"""Text to tokens and back."""

import ctypes
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from plugins.llama.native import c

_BRACKETS = ("<", "[")
_CONTROL_OR_UNKNOWN = c.LLAMA_TOKEN_ATTR_CONTROL | c.LLAMA_TOKEN_ATTR_UNKNOWN


class Vocabulary:
    """A model's tokens. `pointer` is llama.cpp's, `template` the chat template; safe to use from several threads."""

    def __init__(self, pointer: Any, *, template: str = "") -> None:
        self.pointer = pointer
        self.size = c.llama_vocab_n_tokens(pointer)
        self.ends = frozenset(t for t in range(self.size) if c.llama_vocab_is_eog(pointer, t))
        """Tokens that end an answer."""
        self.bos = self._name(c.llama_vocab_bos(pointer))
        self.eos = self._name(c.llama_vocab_eos(pointer))
        self._pieces: dict[int, bytes] = {}
        control = list(self._names(_CONTROL_OR_UNKNOWN))
        marks = (name for name in self._names(c.LLAMA_TOKEN_ATTR_USER_DEFINED) if name[:1] in _BRACKETS)
        self._control = _any_of(control)
        self._signs = _any_of([*control, *(mark for mark in marks if mark in template)])

    def tokenize(self, prompt: str) -> list[int]:
        """Tokens of a rendered prompt; special tokens in it count as such."""
        text = prompt.encode("utf-8", "replace")
        add_bos = not (self.bos and prompt.startswith(self.bos))
        tokens = (ctypes.c_int32 * (len(text) + 2))()
        count = c.llama_tokenize(self.pointer, text, len(text), tokens, len(tokens), add_bos, True)
        return tokens[:count]

    def tokenize_text(self, text: str) -> list[int]:
        """Tokens of plain text in the middle of an answer; none if the tokenizer would change it."""
        encoded = text.encode()
        tokens = (ctypes.c_int32 * (len(encoded) + 2))()
        count = c.llama_tokenize(self.pointer, encoded, len(encoded), tokens, len(tokens), False, False)
        found = list(tokens[: max(0, count)])
        return found if b"".join(map(self.piece, found)) == encoded else []

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for, perhaps a part of a character; none for control tokens."""
        if (piece := self._pieces.get(token)) is None:
            piece = self._pieces[token] = self._read_piece(token, special=False)
        return piece

    def defused(self, value: Any, *, strictly: bool = False) -> Any:
        """A copy of a message in which no text can be mistaken for a control token.

        `strictly` takes out what the template marks a message's parts with, too: a tool's call, its result, thinking.
        """
        signs = self._signs if strictly else self._control
        if isinstance(value, str):
            return _without(signs, value)
        if isinstance(value, Mapping):
            return {self.defused(key): self.defused(item, strictly=strictly) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.defused(item, strictly=strictly) for item in value]
        return value

    def _names(self, attributes: int) -> Iterator[str]:
        """Of all tokens that have one of `attributes`."""
        for token in range(self.size):
            if c.llama_vocab_get_attr(self.pointer, token) & attributes:
                yield self._name(token)

    def _name(self, token: int) -> str:
        return self._read_piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = c.llama_token_to_piece(self.pointer, token, buffer, len(buffer), 0, special)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = c.llama_token_to_piece(self.pointer, token, buffer, len(buffer), 0, special)
        return buffer.raw[:size]


def _without(signs: re.Pattern[str], text: str) -> str:
    while (less := signs.sub(" ", text)) != text:
        text = less
    return text


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Matches any of `names`; nothing at all if there are none."""
    longest_first = sorted((name for name in names if len(name) > 2), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
