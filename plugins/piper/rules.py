"""What in a text is not a plain word, in the order in which it is looked for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from plugins.piper import readings
from plugins.piper.readings import Heard, Reading
from plugins.piper.vocabulary import (
    CURRENCIES,
    DAY_NAMES,
    DAYS,
    MONTH_NAMES,
    MONTHS,
    PLAIN_ABBREVIATIONS,
    SCALES,
    UNITS,
)


@dataclass(frozen=True)
class Rule:
    """A pattern, its reading, and what it counts as for whatever comes next."""

    pattern: re.Pattern[str]
    say: Reading
    heard: Heard = Heard.NUMBER


def _any(words: Iterable[str]) -> str:
    """An alternation that prefers longer words."""
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
DASH = r"\s?[–—-]\s?"
MONTH = _any({*MONTHS, *(name.capitalize() for name in MONTH_NAMES)})
CLEAR_MONTH = "(?:Jan|Feb|Apr|Aug|Sept?|Oct|Nov|Dec)"
DAY = _any({*DAYS, *(name.capitalize() for name in DAY_NAMES)})
CURRENCY = _any(CURRENCIES)
SCALE = rf"(?:\s?(?P<scale>{_any(SCALES)})(?!\w))?"
END = r"(?!\w)"
DAY_NUMBERS = rf"(?P<day>\d\d?)(?:st|nd|rd|th)?(?:{DASH}(?P<last>\d\d?)(?:st|nd|rd|th)?)?"
YEAR = rf"(?:,?\s(?P<year>\d{{4}}){END})?"
HALF = r"(?P<half>[ap])\.?m(?:\.(?=\W|$)|\b)"
TOP_LEVEL = "com|org|net|info|biz|io|eu|de|uk|at|ch|fr|it|es|nl|us|ca|au|app|dev|example|test|local"


def _rule(pattern: str, say: Reading, heard: Heard = Heard.NUMBER, *, ignore_case: bool = False) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE if ignore_case else 0), say, heard)


ADDRESSES = (
    _rule(r"!?\[(?P<label>[^\]]*)\]\([^)\s]*\)", readings.link, Heard.WORD),
    _rule(r"(?:mailto:)?[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.\w+", readings.address, Heard.WORD),
    _rule(r"(?:https?://|www\.)[^\s<>\"')\]]*[\w/]", readings.address, Heard.WORD, ignore_case=True),
    _rule(
        rf"(?:[a-z0-9-]+\.)+(?:{TOP_LEVEL})(?:/[^\s<>\"')\]]*[\w/])?(?![\w-])",
        readings.address,
        Heard.WORD,
        ignore_case=True,
    ),
)

DATES_AND_TIMES = (
    _rule(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?![\d-])", readings.numeric_date),
    _rule(r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})" + END, readings.numeric_date),
    _rule(rf"(?P<month>{MONTH})\.?\s{DAY_NUMBERS}{END}(?![:.]\d){YEAR}", readings.named_date),
    _rule(rf"{DAY_NUMBERS}\s(?:of\s)?(?P<month>{MONTH}){END}\.?{YEAR}", readings.named_date),
    _rule(rf"(?P<hours>\d\d?)(?:[:.](?P<minutes>\d\d))?\s?{HALF}", readings.clock, ignore_case=True),
    _rule(
        r"(?P<hours>\d\d?):(?P<minutes>\d\d)(?::\d\d)?(?P<half>(?!))?(?:\s?(?:hrs|hours|h)\b)?" + END, readings.clock
    ),
)

AMOUNTS = (
    _rule(rf"['’]?(?P<number>(?:\d\d)?\d0)['’]?s{END}", readings.decade),
    _rule(
        rf"(?P<currency>{CURRENCY})\s?(?P<amount>{NUMBER})(?:{DASH}{CURRENCY}?(?P<last>{NUMBER}))?{SCALE}{END}",
        readings.money,
    ),
    _rule(rf"(?P<amount>{NUMBER})(?:{DASH}(?P<last>{NUMBER}))?{SCALE}\s?(?P<currency>{CURRENCY}){END}", readings.money),
    _rule(rf"(?P<amount>{NUMBER})(?:{DASH}(?P<last>{NUMBER}))?\s?(?P<unit>{_any(UNITS)})(?![\w/²³])", readings.measure),
    _rule(
        r"\+?(?:\(\d{1,5}\)[\s./-]?)?\d{1,5}(?:[\s./-]?\(\d{1,5}\)\d{0,7})?(?:[\s./-]\d{2,7}){0,6}(?![\w/-])",
        readings.phone,
    ),
    _rule(rf"(?P<number>\d+)(?:st|nd|rd|th){END}", readings.ordinal),
    _rule(rf"(?P<whole>\d+)\s(?P<top>\d)/(?P<bottom>\d){END}", readings.mixed_fraction),
    _rule(r"(?P<whole>\d+)\s?(?P<part>[½¼¾])", readings.mixed_symbol),
    _rule(r"[½¼¾]", readings.symbol),
    _rule(rf"\d{{1,2}}/\d{{1,4}}(?:/\d{{2,4}})?{END}", readings.slashed),
    _rule(r"[Nn](?:o|r)s?\.\s?(?=\d)|#\s?(?=\d)", readings.says("number"), Heard.WORD),
    _rule(r"[<>≥≤≈~±+]\s?(?=\d)", readings.symbol, Heard.WORD),
    _rule(r"[-−–](?=\d)", readings.minus, Heard.WORD),
    _rule(r"[–—-](?=\s?(?:[€$£¥+]|\d))", readings.to(Heard.NUMBER), Heard.WORD),
    _rule(r"[x×](?=\s?\d)", readings.says("by"), Heard.WORD),
    _rule(rf"(?P<number>\d+)(?P<letter>[A-Za-z]){END}", readings.letter_and_number),
    _rule(rf"(?P<letter>[A-Z])(?P<number>\d{{1,3}}){END}", readings.letter_and_number),
    _rule(NUMBER, readings.number),
)

NAMES = (
    _rule(rf"{DAY}{END}\.?", readings.day, Heard.DAY),
    _rule(rf"[–—-](?=\s?{DAY}{END})", readings.to(Heard.DAY), Heard.WORD),
    _rule(rf"{_any(MONTHS)}{END}|{CLEAR_MONTH}{END}\.?|(?:Mar|Jun|Jul)\.", readings.month, Heard.MONTH),
    _rule(rf"[–—-](?=\s?{MONTH}{END})", readings.to(Heard.MONTH), Heard.WORD),
    _rule(r"St\.", readings.saint_or_street, Heard.WORD),
    _rule(r"(?:Mrs?|Ms|Dr|Prof)(?=\s[A-Z])", readings.title, Heard.WORD),
    _rule(rf"{_any(PLAIN_ABBREVIATIONS)}{END}", readings.abbreviation, Heard.WORD, ignore_case=True),
    _rule(r"(?:[A-Z]\.){2,}", readings.initials, Heard.WORD),
)

RULES = (*ADDRESSES, *DATES_AND_TIMES, *AMOUNTS, *NAMES)
