"""Written English → the words a person says, which is also how the starter model writes.

Lower case, no punctuation but the apostrophe, numbers as words: `7:30 am` → `seven thirty am`.
"""

import re
from dataclasses import dataclass

from num2words import num2words

_NUMBER_WORDS = (
    "oh zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty o'clock"
)
NUMBER_WORDS = frozenset(_NUMBER_WORDS.split())
SYMBOLS = {"&": " and ", "%": " percent ", "@": " at ", "+": " plus ", "°": " degrees ", "€": " euros ", "’": "'"}
LETTERS_SPELLED = {"wifi": "wye-fye", "tv": "t.v.", "pm": "p.m.", "ok": "okay"}

TIME = re.compile(r"\b(\d{1,2}):(\d{2})\b")
MONEY = re.compile(r"([€$£])\s?(\d+)(?:\.(\d{2}))?\b")
YEAR = re.compile(r"\b(1[1-9]\d\d|20\d\d)\b(?! (?:euros|metres|dollars))")
DECIMAL = re.compile(r"\b(\d+)\.(\d+)\b")
ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
PHONE = re.compile(r"\b0\d+(?: \d{2,})*\b")
CARDINAL = re.compile(r"\d+")
NOT_A_WORD = re.compile(r"[^a-z' ]+")
CURRENCIES = {"€": "euro", "$": "dollar", "£": "pound"}


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are said: `one hundred and ten` or `one hundred ten`; `zero` or `oh` in telephone numbers."""

    hundred_and: bool = True
    zero: str = "zero"


PLAIN = NumberStyle()


def spoken(text: str, *, style: NumberStyle = PLAIN) -> str:
    """The words of `text`, separated by single spaces."""
    text = TIME.sub(lambda m: f" {_clock(int(m[1]), int(m[2]), style)} ", text)
    text = MONEY.sub(lambda m: f" {_money(m[1], int(m[2]), int(m[3] or 0), style)} ", text)
    text = PHONE.sub(lambda m: f" {_digits(m[0], style)} ", text)
    text = ORDINAL.sub(lambda m: f" {num2words(int(m[1]), to='ordinal')} ", text)
    text = YEAR.sub(lambda m: f" {_year(int(m[0]), style)} ", text)
    text = DECIMAL.sub(lambda m: f" {_cardinal(int(m[1]), style)} point {_digits(m[2], style)} ", text)
    text = CARDINAL.sub(lambda m: f" {_cardinal(int(m[0]), style)} ", text)
    return words(text)


def words(text: str) -> str:
    """Lower-case words without punctuation; hyphens and slashes part words."""
    text = text.lower()
    for symbol, word in SYMBOLS.items():
        text = text.replace(symbol, word)
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text)
    text = re.sub(r"\bwi[- ]fi\b", "wifi", text)
    kept = (word.strip("'") for word in NOT_A_WORD.sub(" ", text).split())
    return " ".join(word for word in kept if word)


def for_synthesizer(transcript: str) -> str:
    """The same words, as many of them, spelled so that a synthesizer says what is meant (`seven a.m.`)."""
    parts = transcript.split(" ")
    said = [LETTERS_SPELLED.get(word, word) for word in parts]
    for i in range(1, len(parts)):
        if parts[i] == "am" and parts[i - 1] in NUMBER_WORDS:
            said[i] = "a.m."
    return " ".join(said)


def _cardinal(number: int, style: NumberStyle) -> str:
    said = num2words(number).replace("-", " ").replace(",", "")
    return said if style.hundred_and else said.replace(" and ", " ")


def _clock(hour: int, minute: int, style: NumberStyle) -> str:
    if minute == 0:
        return _cardinal(hour, style)
    return f"{_cardinal(hour, style)} {'oh ' if minute < 10 else ''}{_cardinal(minute, style)}"


def _money(symbol: str, whole: int, cents: int, style: NumberStyle) -> str:
    unit = CURRENCIES[symbol] + ("" if whole == 1 else "s")
    tail = f" {_cardinal(cents, style)}" if cents else ""
    return f"{_cardinal(whole, style)} {unit}{tail}"


def _digits(digits: str, style: NumberStyle) -> str:
    return " ".join(style.zero if d == "0" else num2words(int(d)) for d in digits if d.isdigit())


def _year(year: int, style: NumberStyle) -> str:
    return _cardinal(year, style) if 2000 <= year < 2010 else num2words(year, to="year").replace("-", " ")
