"""Where a grammar leaves no choice, its text goes out at once, and the model reads it as it reads a prompt.

This is so for grammars of whole lines, `root ::= "one line" | "another"`: once only one line can be meant, the rest of
it is certain. Of a single line all is.
"""

import re
from collections.abc import Sequence

from plugins.llama.grammar import Grammar

_LITERAL = r'"((?:[^"\\\n]|\\.)*)"'
_LINES = re.compile(rf"\s*root\s*::=\s*{_LITERAL}(?:\s*\|\s*{_LITERAL})*\s*")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "[": "[", "]": "]"}


class Forced:
    """What follows for certain in an answer that must be one of `lines`."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [line.encode() for line in lines]
        self._said = b""

    def say(self, piece: bytes) -> None:
        """The answer goes on with these bytes."""
        self._said += piece
        self._lines = [line for line in self._lines if line.startswith(self._said)]

    @property
    def rest(self) -> str:
        """What every line that is still possible goes on with, in whole characters; empty where there is a choice.

        Empty also while a character has been begun: its other bytes are the model's to write.
        """
        rest = _shared(self._lines)[len(self._said) :]
        return "" if b"\x80" <= rest[:1] <= b"\xbf" else rest.decode("utf-8", "ignore")

    @property
    def is_over(self) -> bool:
        """Whether the one line that is possible has been said."""
        return self._lines == [self._said]


def _shared(lines: Sequence[bytes]) -> bytes:
    """The beginning that all lines have in common."""
    first, last = min(lines, default=b""), max(lines, default=b"")
    return first[: next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def forced_by(grammar: Grammar | None) -> Forced | None:
    """For a grammar that is a choice between whole lines; `None` for all others."""
    if grammar is None or grammar.root != "root" or not _LINES.fullmatch(grammar.text):
        return None
    literals: list[str] = re.findall(_LITERAL, grammar.text)
    lines = [line for literal in literals if (line := _unescaped(literal)) is not None]
    return Forced(lines) if len(lines) == len(literals) else None


def _unescaped(literal: str) -> str | None:
    """The text of a GBNF literal; `None` for an escape that is not known."""
    if any(name and name not in _NAMED for *_, name in _ESCAPE.findall(literal)):
        return None
    return _ESCAPE.sub(_character, literal)


def _character(found: "re.Match[str]") -> str:
    *codes, name = found.groups()
    return _NAMED[name] if name else chr(int(next(code for code in codes if code), 16))
