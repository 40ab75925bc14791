"""Checks a GBNF grammar before llama.cpp sees it.

llama.cpp prints a grammar that it cannot parse to standard error, whatever it holds, never ends on `x{3,2}`,
and overflows its stack on deep nesting. Nothing that passes here does any of that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from plugins.errors import InvalidRequest

MAX_CHARS = 400_000
MAX_DEPTH = 100
MAX_REPEATS = 2000
MAX_EXPANSIONS = 100_000
"""Rules visited when every alternative's beginning is followed; real grammars need a few hundred."""

_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_ESCAPE = r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[trn\\\"\[\]-])"
_LITERAL = re.compile(rf'"(?:{_ESCAPE}|[^"\\])*"')
_CHARS = re.compile(rf"\[(?!\^?\])\^?(?:{_ESCAPE}|[^\]\\])+\]")
_REPEAT = re.compile(r"[*+?]|\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}")
_LINE_END = re.compile(r"\r\n|\r|\n|$")

Alternatives = list[list["Item"]]


@dataclass
class Item:
    """One element of a rule: a terminal, a reference to a rule (`name`) or a group."""

    name: str = ""
    group: Alternatives = field(default_factory=list["list[Item]"])
    optional: bool = False
    weight: int = 1
    """Upper bound for the rules that llama.cpp makes of it."""
    nothing: bool = False
    """Stands for no characters at all, so that nothing can be repeated."""


def check_grammar(text: str) -> None:
    """Raise `InvalidRequest`, saying where, if `text` is no grammar that can be followed from its rule `root`."""
    if len(text) > MAX_CHARS or "\0" in text:
        raise InvalidRequest(f"grammar: at most {MAX_CHARS} characters, none of them NUL")
    rules = _Parser(text).rules()
    if "root" not in rules:
        raise InvalidRequest("grammar: there is no rule named root")
    for name in _names(alternative for rule in rules.values() for alternative in rule):
        if name not in rules:
            raise InvalidRequest(f"grammar: rule {name} is used and not defined")
    beginnings = _Beginnings(rules)
    if sum(beginnings.visits(name, ()) for name in rules) > MAX_EXPANSIONS:
        raise InvalidRequest("grammar: its rules branch too often before their first character")


class _Parser:
    """Recursive descent over the text; `_at` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rules(self) -> dict[str, Alternatives]:
        rules: dict[str, Alternatives] = {}
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self._text):
            name = self._expect(_NAME, "a rule's name").group()
            self._skip(_SPACE)
            self._expect(re.compile("::="), "::=")
            self._skip(_SPACE_AND_LINES)
            rules[name] = self._alternatives(depth=0)
            self._expect(_LINE_END, "the end of the rule")
            self._skip(_SPACE_AND_LINES)
        return rules

    def _alternatives(self, depth: int) -> Alternatives:
        if depth > MAX_DEPTH:
            raise self._wrong(f"at most {MAX_DEPTH} brackets inside each other")
        found = [self._sequence(depth)]
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(_SPACE_AND_LINES)
            found.append(self._sequence(depth))
        return found

    def _sequence(self, depth: int) -> list[Item]:
        items: list[Item] = []
        while item := self._item(depth):
            items.append(item)
            self._space(depth)
            while repeat := _REPEAT.match(self._text, self._at):
                self._repeat(item, repeat)
                self._space(depth)
        return items

    def _item(self, depth: int) -> Item | None:
        """The next element, or None where a sequence ends."""
        match self._text[self._at : self._at + 1]:
            case '"':
                literal = self._expect(_LITERAL, "a closed literal with known escapes").group()
                return Item(optional=literal == '""', nothing=literal == '""')
            case "[":
                self._expect(_CHARS, "a closed, non-empty set of characters with known escapes")
                return Item()
            case "(":
                return self._group(depth)
            case ".":
                self._at += 1
                return Item()
            case "<" | "!":
                raise self._wrong("references to tokens are not supported")
            case "*" | "+" | "?" | "{":
                raise self._wrong("expected something to repeat")
            case _:
                found = _NAME.match(self._text, self._at)
                self._at = found.end() if found else self._at
                return Item(name=found.group()) if found else None

    def _group(self, depth: int) -> Item:
        self._at += 1
        self._skip(_SPACE_AND_LINES)
        inner = self._alternatives(depth + 1)
        self._expect(re.compile(r"\)"), "a closing bracket")
        return Item(group=inner, weight=1 + sum(item.weight for line in inner for item in line))

    def _repeat(self, item: Item, repeat: re.Match[str]) -> None:
        """Apply a repetition to the item before it."""
        if item.nothing:
            raise self._wrong("expected something to repeat")
        self._at = repeat.end()
        if repeat.group() in ("*", "?"):
            least, most = 0, None
        elif repeat.group() == "+":
            least, most = 1, None
        else:
            least = int(repeat.group(1)[:9])
            most = int(repeat.group(3)[:9]) if repeat.group(3) else None if repeat.group(2) else least
        if most is not None and most < least:
            raise self._wrong("a repetition's end lies before its beginning")
        item.weight *= max(1, least, most or 0)
        item.optional = item.optional or least == 0
        item.nothing = most == 0
        if max(least, item.weight) > MAX_REPEATS:
            raise self._wrong(f"at most {MAX_REPEATS} repetitions, nested ones multiplied")

    def _space(self, depth: int) -> None:
        self._skip(_SPACE_AND_LINES if depth else _SPACE)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()

    def _expect(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if not found:
            raise self._wrong(f"expected {what}")
        self._at = found.end()
        return found

    def _wrong(self, what: str) -> InvalidRequest:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return InvalidRequest(f"grammar, line {line}, column {column}: {what}")


class _Beginnings:
    """Follows what rules begin with: finds those that begin with themselves, and counts the work."""

    def __init__(self, rules: dict[str, Alternatives]) -> None:
        self._rules = rules
        self._visits: dict[str, int] = {}
        self._empty: dict[str, bool] = {}

    def visits(self, name: str, path: tuple[str, ...]) -> int:
        """Rules visited when everything that `name` can begin with is followed; `path` is how it got here."""
        if name in path:
            raise InvalidRequest(f"grammar: rule {name} begins with itself")
        if len(path) > MAX_DEPTH:
            raise InvalidRequest(f"grammar: more than {MAX_DEPTH} rules begin with each other")
        if name not in self._visits:
            self._visits[name] = 1 + self._followed(self._rules[name], (*path, name))
        return self._visits[name]

    def _followed(self, alternatives: Alternatives, path: tuple[str, ...]) -> int:
        total = 0
        for line in alternatives:
            for item in line:
                total += item.weight + (self.visits(item.name, path) if item.name else 0)
                total += self._followed(item.group, path) if item.group else 0
                if not self._may_be_empty(item, ()):
                    break
        return total

    def _may_be_empty(self, item: Item, path: tuple[str, ...]) -> bool:
        if item.optional or (item.group and self._any_empty(item.group, path)):
            return True
        return bool(item.name) and item.name not in path and self._rule_may_be_empty(item.name, path)

    def _rule_may_be_empty(self, name: str, path: tuple[str, ...]) -> bool:
        if name not in self._empty:
            self._empty[name] = self._any_empty(self._rules[name], (*path, name))
        return self._empty[name]

    def _any_empty(self, alternatives: Alternatives, path: tuple[str, ...]) -> bool:
        if len(path) > MAX_DEPTH:
            raise InvalidRequest(f"grammar: more than {MAX_DEPTH} rules inside each other")
        return any(all(self._may_be_empty(item, path) for item in line) for line in alternatives)


def _names(lines: Iterator[list[Item]]) -> Iterator[str]:
    for line in lines:
        for item in line:
            if item.name:
                yield item.name
            yield from _names(iter(item.group))
