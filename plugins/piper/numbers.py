"""How written numbers are said in English. Arguments are the digits as they stand in the text."""

import re

from num2words import num2words

from plugins.piper.vocabulary import MONTHS, Currency

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def cardinal(number: str) -> str:
    """`1,200` → one thousand two hundred; `12.5` → twelve point five; `007` → zero zero seven."""
    whole, _, fraction = number.replace(",", "").partition(".")
    if whole.startswith("-"):
        return f"minus {cardinal(number[1:])}"
    is_code = len(whole) > 15 or (len(whole) > 1 and whole.startswith("0"))
    said = digits(whole) if is_code else _words(int(whole or "0"))
    return f"{said} point {digits(fraction)}" if fraction else said


def ordinal(number: str) -> str:
    """`22` → twenty-second."""
    return num2words(int(number.replace(",", "")), to="ordinal").replace(",", "")


def year(number: str) -> str:
    """`1924` → nineteen twenty-four; `2005` → two thousand and five; `1204` → twelve oh four."""
    value = int(number)
    if 2000 <= value <= 2009 or value % 1000 == 0:
        return _words(value)
    return num2words(value, to="year").replace("-oh-", " oh ").replace("oh-", "oh ")


def digits(number: str) -> str:
    """`0123` → zero one two three; anything that is no digit is left out."""
    return " ".join(DIGITS[int(digit)] for digit in number if digit.isdecimal())


def digit_groups(number: str) -> str:
    """A phone number: digit by digit, a short pause where a group ends."""
    groups = [digits(group) for group in re.findall(r"\d+", number)]
    return ("plus " if number.lstrip("( ").startswith("+") else "") + ", ".join(groups)


def clock(hours: int, minutes: int, suffix: str = "") -> str:
    """A time of day; `suffix` is `am`, `pm` or nothing. From 13:00 on it is said with PM."""
    if not suffix and (hours > 12 or hours == 0):
        suffix = "am" if hours in (0, 24) else "pm"
    spoken_hour = _words((hours - 1) % 12 + 1)
    if minutes == 0:
        return f"{spoken_hour} {suffix.upper()}" if suffix else f"{spoken_hour} o'clock"
    spoken_minutes = f"oh {_words(minutes)}" if minutes < 10 else _words(minutes)
    return f"{spoken_hour} {spoken_minutes} {suffix.upper()}".rstrip()


def money(amount: str, currency: Currency, scale: str = "") -> str:
    """`12.50` → twelve euros fifty; `1.2` with `million` → one point two million euros."""
    whole, _, cents = amount.replace(",", "").partition(".")
    if scale or len(cents) not in (0, 2):
        return f"{cardinal(amount)} {scale} {currency.many}".replace("  ", " ")
    if not int(cents or "0"):
        return f"{cardinal(whole)} {currency.one if int(whole) == 1 else currency.many}"
    if not int(whole or "0"):
        return f"{_words(int(cents))} {currency.cent if int(cents) == 1 else currency.cents}"
    named = currency.one if int(whole) == 1 else currency.many
    if int(cents) < 10:
        return (
            f"{cardinal(whole)} {named} and {_words(int(cents))} {currency.cent if int(cents) == 1 else currency.cents}"
        )
    return f"{cardinal(whole)} {named} {_words(int(cents))}"


def date(month: int, day: str, year_number: str = "", *, day_first: bool = False) -> str:
    """`(3, "5", "2024")` → March fifth, twenty twenty-four; `day_first`: the fifth of March."""
    name = MONTHS[month - 1]
    said = f"the {ordinal(day)} of {name}" if day_first else f"{name} {ordinal(day)}"
    return f"{said}, {year(year_number)}" if year_number else said


def fraction(top: int, bottom: int) -> str:
    """`1/2` → one half; `3/4` → three quarters; `2/3` → two thirds."""
    names = {2: ("half", "halves"), 4: ("quarter", "quarters")}
    one, many = names.get(bottom, (ordinal(str(bottom)), ordinal(str(bottom)) + "s"))
    return f"{_words(top)} {one if top == 1 else many}"


def _words(value: int) -> str:
    return num2words(value).replace(",", "")
