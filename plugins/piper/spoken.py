"""Say written text: numbers, dates, money, abbreviations and addresses become the words a person would speak.

A text becomes parts, each with what is written and what is said for it, so that captions can show the written words
while the voice speaks the others.
"""

import re
from dataclasses import dataclass

from plugins.piper.readings import Heard
from plugins.piper.rules import RULES, Rule
from plugins.piper.vocabulary import SYMBOLS

SPACE = re.compile(r"\s+")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*['’]?")
PLAIN_WORD = re.compile(r"(?!vs\b)[a-z'’]{2,}(?=[,;!?]?\s)")
"""A word that no rule is about: most of a text, so it is worth not asking them all."""
NUMERAL = re.compile(r"\d+(?:[.,:]\d+)*")
SPACED_DASH = re.compile(r"(?:[–—-]+|\|)(?=\s)")
HEADING_MARK = re.compile(r"(?:#{1,6}|[>*•·])(?=\s)")
MARKS = {mark: mark for mark in ".,;:!?"} | {"…": ".", "—": ",", "。": ".", "，": ",", "？": "?", "！": "!"}
STRENGTH = ",;:.!?"
"""Marks, the stronger ones later."""


@dataclass(frozen=True)
class Part:
    """Some written words, whitespace inside included, and what is said for them: nothing if they are silent."""

    written: str
    spoken: str


def spoken(text: str, *, language: str = "en") -> str:
    """The text as it is said."""
    return " ".join(part.spoken for part in spoken_parts(text, language=language) if part.spoken)


def spoken_parts(text: str, *, language: str = "en") -> list[Part]:
    """The text in parts, in order. Other languages than English only lose what nobody says, such as emoji."""
    rules = RULES if language.partition("-")[0] == "en" else ()
    parts: list[Part] = []
    position, heard = 0, Heard.NOTHING
    while position < len(text):
        if space := SPACE.match(text, position):
            position = space.end()
            continue
        end, said, heard = _read(text, position, heard, rules)
        _append(parts, text[position:end], said, joins=position > 0 and not text[position - 1].isspace())
        position = end
    return _with_last_mark(parts)


def _read(text: str, start: int, heard: Heard, rules: tuple[Rule, ...]) -> tuple[int, str, Heard]:
    """Where the thing at `start` ends, what is said for it, and what it counts as."""
    if word := PLAIN_WORD.match(text, start):
        return word.end(), word.group(), Heard.WORD
    for rule in rules:
        if (match := rule.pattern.match(text, start)) and (said := rule.say(match, heard)) is not None:
            return match.end(), said, rule.heard
    if word := WORD.match(text, start) or NUMERAL.match(text, start):
        return word.end(), word.group(), Heard.WORD
    if dash := SPACED_DASH.match(text, start):
        return dash.end(), ",", heard
    if heading := HEADING_MARK.match(text, start):
        return heading.end(), "", heard
    character = text[start]
    if mark := MARKS.get(character):
        return start + 1, mark, heard
    return start + 1, SYMBOLS.get(character, character if character.isalnum() else ""), heard


def _append(parts: list[Part], written: str, said: str, *, joins: bool) -> None:
    """Add a reading: to the part before it where no space is written between, a mark always to the word before."""
    if said in MARKS:
        _mark_last_word(parts, said)
        said = ""
    if joins and parts:
        before = parts.pop()
        written, said = before.written + written, f"{before.spoken} {said}".strip()
    parts.append(Part(written, said))


def _mark_last_word(parts: list[Part], mark: str) -> None:
    """End what was said last with a mark; of several marks the strongest stays."""
    for index in reversed(range(len(parts))):
        if said := parts[index].spoken:
            last = said[-1] if said[-1] in STRENGTH else ""
            strongest = max(last or mark, mark, key=STRENGTH.index)
            parts[index] = Part(parts[index].written, said.removesuffix(last) + strongest)
            return


def _with_last_mark(parts: list[Part]) -> list[Part]:
    """A text that ends with the period of an abbreviation ends a sentence as well."""
    if parts and parts[-1].written.endswith(".") and parts[-1].spoken[-1:] not in STRENGTH:
        parts[-1] = Part(parts[-1].written, parts[-1].spoken + ".")
    return parts
