"""What abbreviations, units, currencies and symbols are called in English."""

from dataclasses import dataclass

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MONTH_NAMES = {
    **{month.lower(): month for month in MONTHS},
    **{month[:3].lower(): month for month in MONTHS},
    "sept": "September",
}
DAY_NAMES = {day[:3].lower(): day for day in DAYS} | {
    "tues": "Tuesday",
    "weds": "Wednesday",
    "thur": "Thursday",
    "thurs": "Thursday",
}
DAYS_THAT_ARE_WORDS = frozenset({"sun", "sat", "wed"})

PLAIN_ABBREVIATIONS = {
    "dr.": "doctor",
    "mr.": "mister",
    "mrs.": "missus",
    "ms.": "miz",
    "prof.": "professor",
    "rev.": "reverend",
    "capt.": "captain",
    "jr.": "junior",
    "sr.": "senior",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "et cetera",
    "approx.": "approximately",
    "vs.": "versus",
    "vs": "versus",
    "incl.": "including",
    "excl.": "excluding",
    "max.": "maximum",
    "min.": "minimum",
    "tel.": "telephone",
    "ext.": "extension",
    "dept.": "department",
    "apt.": "apartment",
    "ave.": "avenue",
    "rd.": "road",
    "blvd.": "boulevard",
    "inc.": "incorporated",
    "ltd.": "limited",
    "co.": "company",
    "govt.": "government",
    "hrs.": "hours",
    "mins.": "minutes",
    "pp.": "pages",
    "w/": "with",
    "w/o": "without",
    "c/o": "care of",
    "and/or": "and or",
    "a.m.": "AM",
    "p.m.": "PM",
    "a.m": "AM",
    "p.m": "PM",
    "ph.d.": "PhD",
}
"""Lower-case written forms; the reading takes over a capital first letter where it is a word."""


@dataclass(frozen=True)
class Unit:
    """How a unit is called beside one and beside any other number."""

    one: str
    many: str


UNITS = {
    "mm": Unit("millimetre", "millimetres"),
    "cm": Unit("centimetre", "centimetres"),
    "m": Unit("metre", "metres"),
    "km": Unit("kilometre", "kilometres"),
    "m²": Unit("square metre", "square metres"),
    "m2": Unit("square metre", "square metres"),
    "sqm": Unit("square metre", "square metres"),
    "km²": Unit("square kilometre", "square kilometres"),
    "m³": Unit("cubic metre", "cubic metres"),
    "km/h": Unit("kilometre an hour", "kilometres an hour"),
    "kph": Unit("kilometre an hour", "kilometres an hour"),
    "mph": Unit("mile an hour", "miles an hour"),
    "m/s": Unit("metre a second", "metres a second"),
    "mi": Unit("mile", "miles"),
    "ft": Unit("foot", "feet"),
    "yd": Unit("yard", "yards"),
    "mg": Unit("milligram", "milligrams"),
    "g": Unit("gram", "grams"),
    "kg": Unit("kilogram", "kilograms"),
    "lb": Unit("pound", "pounds"),
    "lbs": Unit("pound", "pounds"),
    "oz": Unit("ounce", "ounces"),
    "ml": Unit("millilitre", "millilitres"),
    "cl": Unit("centilitre", "centilitres"),
    "l": Unit("litre", "litres"),
    "L": Unit("litre", "litres"),
    "ms": Unit("millisecond", "milliseconds"),
    "s": Unit("second", "seconds"),
    "sec": Unit("second", "seconds"),
    "min": Unit("minute", "minutes"),
    "mins": Unit("minute", "minutes"),
    "h": Unit("hour", "hours"),
    "hr": Unit("hour", "hours"),
    "hrs": Unit("hour", "hours"),
    "°C": Unit("degree Celsius", "degrees Celsius"),
    "°F": Unit("degree Fahrenheit", "degrees Fahrenheit"),
    "°": Unit("degree", "degrees"),
    "%": Unit("percent", "percent"),
    "‰": Unit("per mille", "per mille"),
    "Hz": Unit("hertz", "hertz"),
    "kHz": Unit("kilohertz", "kilohertz"),
    "MHz": Unit("megahertz", "megahertz"),
    "GHz": Unit("gigahertz", "gigahertz"),
    "W": Unit("watt", "watts"),
    "kW": Unit("kilowatt", "kilowatts"),
    "kWh": Unit("kilowatt hour", "kilowatt hours"),
    "V": Unit("volt", "volts"),
    "dB": Unit("decibel", "decibels"),
    "kB": Unit("kilobyte", "kilobytes"),
    "KB": Unit("kilobyte", "kilobytes"),
    "MB": Unit("megabyte", "megabytes"),
    "GB": Unit("gigabyte", "gigabytes"),
    "TB": Unit("terabyte", "terabytes"),
    "Mbit/s": Unit("megabit a second", "megabits a second"),
    "Mbps": Unit("megabit a second", "megabits a second"),
    "Gbit/s": Unit("gigabit a second", "gigabits a second"),
    "Gbps": Unit("gigabit a second", "gigabits a second"),
}


@dataclass(frozen=True)
class Currency:
    """A currency's own name and its hundredth part's."""

    one: str
    many: str
    cent: str = "cent"
    cents: str = "cents"


EURO = Currency("euro", "euros")
DOLLAR = Currency("dollar", "dollars")
POUND = Currency("pound", "pounds", "penny", "pence")
FRANC = Currency("franc", "francs", "centime", "centimes")
YEN = Currency("yen", "yen")
RUPEE = Currency("rupee", "rupees", "paisa", "paise")

CURRENCIES = {
    "€": EURO,
    "EUR": EURO,
    "euro": EURO,
    "euros": EURO,
    "$": DOLLAR,
    "USD": DOLLAR,
    "US$": DOLLAR,
    "dollar": DOLLAR,
    "dollars": DOLLAR,
    "£": POUND,
    "GBP": POUND,
    "pounds": POUND,
    "CHF": FRANC,
    "Fr.": FRANC,
    "francs": FRANC,
    "¥": YEN,
    "₹": RUPEE,
}

SCALES = {
    "k": "thousand",
    "thousand": "thousand",
    "m": "million",
    "million": "million",
    "bn": "billion",
    "billion": "billion",
}

SYMBOLS = {
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "%": "percent",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "≈": "about",
    "~": "about",
    "<": "less than",
    ">": "more than",
    "≤": "at most",
    "≥": "at least",
    "§": "section",
    "°": "degrees",
    "½": "one half",
    "¼": "one quarter",
    "¾": "three quarters",
    "€": "euros",
    "$": "dollars",
    "£": "pounds",
}

IN_ADDRESSES = {
    ".": "dot",
    "@": "at",
    "-": "dash",
    "_": "underscore",
    "/": "slash",
    "+": "plus",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "~": "tilde",
}
