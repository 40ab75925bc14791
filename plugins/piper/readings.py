"""How one match of a rule is said. `None` declines: the match is something else after all."""

import re
from collections.abc import Callable
from enum import Enum, auto

from plugins.piper import numbers
from plugins.piper.vocabulary import (
    CURRENCIES,
    DAY_NAMES,
    DAYS,
    DAYS_THAT_ARE_WORDS,
    IN_ADDRESSES,
    MONTH_NAMES,
    MONTHS,
    PLAIN_ABBREVIATIONS,
    SCALES,
    SYMBOLS,
    UNITS,
)

Match = re.Match[str]


class Heard(Enum):
    """What was said just before: a dash after a number, day or month means "to"."""

    NOTHING = auto()
    WORD = auto()
    NUMBER = auto()
    DAY = auto()
    MONTH = auto()


Reading = Callable[[Match, Heard], str | None]

PHONE_WORDS = re.compile(
    r"(?:call|phone|tel|telephone|dial|fax|mobile|ring|whatsapp|number)\W.{0,24}$", re.IGNORECASE | re.DOTALL
)
ANY_DAY = re.compile(rf"\b(?:{'|'.join(name.capitalize() for name in DAY_NAMES)})\b|{'|'.join(DAYS)}")
SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+)\w+\s$")


def link(match: Match, _: Heard) -> str:
    """The label of a Markdown link."""
    return match["label"]


def address(match: Match, _: Heard) -> str:
    """`https://www.heron.example/a-b/` → heron dot example slash a dash b; digits one by one."""
    bare = re.sub(r"^(?:mailto:)?(?:https?://)?(?:www\.)?", "", match.group()).rstrip("/")
    said = [
        piece if piece.isalpha() else IN_ADDRESSES.get(piece) or numbers.digits(piece)
        for piece in re.findall(r"[^\W\d_]+|\d|[^\w\s]|_", bare)
    ]
    return " ".join(word for word in said if word)


def phone(match: Match, _: Heard) -> str | None:
    """Digits in the groups they are written in, if they are marked as a number to call."""
    written = match.group()
    is_marked = written[0] in "+(0" or re.fullmatch(r"(?:1-)?\d{3}-\d{3}-\d{4}|\d{3}-\d{4}", written)
    size = sum(character.isdigit() for character in written)
    if not 7 <= size <= 15 or not (is_marked or PHONE_WORDS.search(match.string[: match.start()])):
        return None
    return numbers.digit_groups(written)


def numeric_date(match: Match, _: Heard) -> str | None:
    """`2026-03-05` month first, `5.3.2026` day first."""
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return numbers.date(month, str(day), match["year"], day_first=match.start("day") < match.start("month"))


def named_date(match: Match, _: Heard) -> str | None:
    """`March 5`, `Mar. 5th, 2024`, `March 5–7`, `5 March 2024`."""
    day, last, year = match["day"], match["last"], match["year"]
    if not all(1 <= int(number) <= 31 for number in (day, last) if number):
        return None
    month = MONTHS.index(MONTH_NAMES[match["month"].lower()]) + 1
    day_first = match.start("day") < match.start("month")
    if not last:
        said = numbers.date(month, day, year or "", day_first=day_first)
        has_article = match.string[: match.start()].lower().endswith("the ")
        return said.removeprefix("the ") if has_article else said
    said_year = f", {numbers.year(year)}" if year else ""
    first, until = numbers.ordinal(day), numbers.ordinal(last)
    if day_first:
        return f"the {first} to the {until} of {MONTHS[month - 1]}{said_year}"
    return f"{MONTHS[month - 1]} {first} to {until}{said_year}"


def clock(match: Match, _: Heard) -> str | None:
    """`7:30 am`, `7pm`, `19:00`."""
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    suffix = f"{match['half'].lower()}m" if match["half"] else ""
    if hours > 24 or minutes > 59 or (suffix and not 1 <= hours <= 12):
        return None
    return numbers.clock(hours, minutes, suffix)


def money(match: Match, _: Heard) -> str:
    """`€12.50`, `12.50 euros`, `$1.2m`, `€5–7`."""
    currency = CURRENCIES[match["currency"]]
    scale = SCALES[match["scale"].lower()] if match["scale"] else ""
    if not match["last"]:
        return numbers.money(match["amount"], currency, scale)
    return f"{numbers.cardinal(match['amount'])} to {numbers.money(match['last'], currency, scale)}"


def measure(match: Match, _: Heard) -> str:
    """`5 km`, `12 %`, `20–25 °C`."""
    unit = UNITS[match["unit"]]
    if match["last"]:
        return f"{numbers.cardinal(match['amount'])} to {numbers.cardinal(match['last'])} {unit.many}"
    return f"{numbers.cardinal(match['amount'])} {unit.one if match['amount'] == '1' else unit.many}"


def ordinal(match: Match, _: Heard) -> str:
    """`22nd`."""
    return numbers.ordinal(match["number"])


def decade(match: Match, _: Heard) -> str:
    """`1980s` → nineteen eighties."""
    number = match["number"]
    said = numbers.cardinal(number) if len(number) == 2 else numbers.year(number)
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def slashed(match: Match, _: Heard) -> str:
    """`1/2` → one half; `24/7` → twenty-four seven; `5/3/2024` → five slash three slash twenty twenty-four."""
    pieces = match.group().split("/")
    if len(pieces) == 2 and 0 < int(pieces[0]) < int(pieces[1]) <= 10:
        return numbers.fraction(int(pieces[0]), int(pieces[1]))
    if pieces == ["24", "7"]:
        return "twenty-four seven"
    return " slash ".join(numbers.year(piece) if len(piece) == 4 else numbers.cardinal(piece) for piece in pieces)


def mixed_fraction(match: Match, _: Heard) -> str:
    """`1 1/2` → one and one half."""
    return f"{numbers.cardinal(match['whole'])} and {numbers.fraction(int(match['top']), int(match['bottom']))}"


def mixed_symbol(match: Match, _: Heard) -> str:
    """`2½` → two and a half."""
    name = {"½": "a half", "¼": "a quarter", "¾": "three quarters"}[match["part"]]
    return f"{numbers.cardinal(match['whole'])} and {name}"


def number(match: Match, _: Heard) -> str:
    """Four digits are said like a year, room or house number; very long ones digit by digit."""
    written = match.group()
    if re.fullmatch(r"1[1-9]\d\d|20\d\d", written):
        return numbers.year(written)
    return numbers.digits(written) if written.isdigit() and len(written) > 6 else numbers.cardinal(written)


def letter_and_number(match: Match, _: Heard) -> str:
    """`A4` → ay four; `12B` → twelve B."""
    letter = "ay" if match["letter"] in "aA" else match["letter"].upper()
    said = numbers.cardinal(match["number"])
    return f"{letter} {said}" if match.start("letter") < match.start("number") else f"{said} {letter}"


def minus(match: Match, heard: Heard) -> str | None:
    """A dash before a number, unless a number came before it."""
    return None if heard is Heard.NUMBER else "minus"


def to(after: Heard) -> Reading:
    """A dash between two things of one kind."""
    return lambda match, heard: "to" if heard is after else None


def day(match: Match, _: Heard) -> str | None:
    """A weekday; `Sun`, `Sat` and `Wed` only beside a number or another day, since they are words as well."""
    written = match.group().rstrip(".")
    if written in DAYS:
        return written
    is_beside = re.match(r":?\s\d", match.string[match.end() :]) or len(ANY_DAY.findall(match.string)) > 1
    if written.lower() in DAYS_THAT_ARE_WORDS and not is_beside:
        return None
    return DAY_NAMES[written.lower()]


def month(match: Match, _: Heard) -> str:
    """A month, shortened or not."""
    return MONTH_NAMES[match.group().rstrip(".").lower()]


def saint_or_street(match: Match, _: Heard) -> str:
    """Before a name it is a saint, unless another name stands before it in the same sentence: then a street."""
    before = match.string[: match.start()]
    follows_name = re.search(r"(?:[A-Z]\w*|\d\w*)\s$", before) and not SENTENCE_START.search(before)
    return "Saint" if re.match(r"\s[A-Z]", match.string[match.end() :]) and not follows_name else "Street"


def abbreviation(match: Match, _: Heard) -> str:
    """`e.g.`, `approx.`."""
    return PLAIN_ABBREVIATIONS[match.group().lower()]


def title(match: Match, _: Heard) -> str:
    """`Mr` without a period, before a name."""
    return PLAIN_ABBREVIATIONS[match.group().lower() + "."]


def initials(match: Match, _: Heard) -> str:
    """`U.S.` → US, which is spelled."""
    return match.group().replace(".", "")


def symbol(match: Match, _: Heard) -> str:
    """A symbol that means something before a number."""
    return SYMBOLS[match.group().strip()]


def says(words: str) -> Reading:
    """Always the same words."""
    return lambda match, heard: words
