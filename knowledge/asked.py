"""What kind of answer a question asks for, and which kinds a sentence offers.

Similarity alone cannot tell "when is the sauna heated" from "what does the sauna cost". These are English rules; in
other languages no kind is recognised and nothing changes.
"""

import re
from typing import Literal

Kind = Literal["money", "count", "age", "length", "distance", "time", "person", "place", "contact"]

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|eighteen|twenty|"
    "thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|half|both|dozen|once|twice|couple"
)
_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_ASKS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("money", _any(r"\bhow (?:much|expensive)\b", r"\b(?:price|prices|cost|costs|fee|fees|charge|charges)\b")),
    ("count", _any(r"\bhow many\b")),
    ("age", _any(r"\bhow old\b", r"\bwhat age\b", r"\bwhen (?:was|were)\b")),
    ("length", _any(r"\bhow (?:long|high|tall|wide|deep|big|large)\b")),
    ("distance", _any(r"\bhow far\b")),
    (
        "time",
        _any(
            r"(?:^|\b(?:and|so|until|since|from|by|know|say|tell me|ask|or) )when\b",
            r"\bwhen (?:is|are|do|does|did|can|could|will|would|should|shall|must|may)\b",
            r"\bhow (?:often|late|early|soon)\b",
            r"\b(?:what|which|at what) (?:time|day|hours)\b",
            r"\bhours\b",
        ),
    ),
    ("person", _any(r"\bwho(?:m|se)?\b")),
    ("place", _any(r"\bwhere\b")),
    (
        "contact",
        _any(r"\b(?:phone|telephone|e-?mail|website|contact|number)\b", r"\b(?:call|reach|write to) (?:you|them)\b"),
    ),
)
_OFFERS: dict[Kind, re.Pattern[str]] = {
    "money": _any(
        r"[€$£]",
        r"\b(?:euros?|dollars?|pounds?|cents?|francs?|percent|half price)\b",
        r"\b(?:free|included|no charge)\b",
        r"\bcosts? nothing\b",
    ),
    "count": _any(r"\d", rf"\b(?:{_NUMBER_WORDS})\b"),
    "age": _any(r"\b(?:in|since|from|of) \d{4}\b", r"\byears?\b", r"\b(?:age|aged|under|over)\b"),
    "length": _any(
        r"\b(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|until|since|as long as)\b",
        r"\b(?:(?:centi|milli|kilo)?met(?:re|er)s?|miles?|feet|foot|yards|inches)\b",
    ),
    "distance": _any(r"\b(?:met(?:re|er)s?|kilomet(?:re|er)s?|miles?|minutes?|feet|yards|steps)\b"),
    "time": _any(
        r"\b\d{1,2}(?::\d\d)? ?(?:am|pm|a\.m|p\.m|o.clock)\b",
        r"\b\d{1,2}:\d\d\b",
        r"\b(?:noon|midday|midnight|daily|weekends?|weekdays?|spring|summer|autumn|winter|morning|evening|afternoon|night)s?\b",
        rf"\b(?:{_DAYS}|{_MONTHS})\b",
        r"\bevery (?:\w+ )?(?:day|week|month|hour|minutes|year)\b",
        r"\b(?:in|until|since|from|by) \d{4}\b",
        r"\b(?:hours?|days?|weeks?) (?:before|after|in advance)\b",
    ),
    "place": _any(
        r"\b(?:beside|behind|near|opposite|between|above|below|inside|outside|under|in front of|next to)\b",
        r"\b(?:in|at|on) (?:the|our|your|a|\w+ (?:street|road|lane|square))\b",
        r"\b(?:street|road|lane|square|floor|desk|building)\b",
    ),
    "contact": _any(r"\d{3,}[ \d-]{3,}", r"@", r"\bwww\.", r"\b(?:website|e-?mail|telephone|phone)\b"),
}  # fmt: skip
_NAME = re.compile(r"\b[A-Z][a-zà-ÿ]+")
_QUALIFIERS = _any(rf"\b{_DAYS}\b", rf"\b(?:weekend|summer|winter|christmas|{_MONTHS})s?\b")


def asked_kind(question: str) -> Kind | None:
    """The kind of answer wanted, None if any would do."""
    return next((kind for kind, pattern in _ASKS if pattern.search(question)), None)


def offers(sentence: str, kind: Kind) -> bool:
    """Whether an answer of this kind stands in the sentence."""
    if kind == "person":
        return any(not _QUALIFIERS.fullmatch(name) for name in _NAME.findall(sentence[1:]))
    return bool(_OFFERS[kind].search(sentence))


def named_days(text: str) -> frozenset[str]:
    """Days and seasons that the text is limited to: "on Sundays", "in winter"."""
    return frozenset(found.group().lower().rstrip("s") for found in _QUALIFIERS.finditer(text))
