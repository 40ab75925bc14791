"""Written text becomes the words a person would say."""

import pytest

from plugins.piper.spoken import Part, spoken, spoken_parts

READINGS = {
    "whole numbers": {
        "7 rooms": "seven rooms",
        "25 rooms": "twenty-five rooms",
        "204 guests": "two hundred and four guests",
        "1,200 guests": "one thousand two hundred guests",
        "3500 beds": "three thousand five hundred beds",
        "1,000,000 stars": "one million stars",
        "code 0000": "code zero zero zero zero",
        "agent 007": "agent zero zero seven",
        "order 1234567890": "order one two three four five six seven eight nine zero",
        "0 euros": "zero euros",
        "floor -1": "floor minus one",
        "up to +5": "up to plus five",
    },
    "decimals": {
        "3.14": "three point one four",
        "0.5": "zero point five",
        "1,250.75 units": "one thousand two hundred and fifty point seven five units",
    },
    "ordinals": {
        "the 1st": "the first",
        "the 22nd floor": "the twenty-second floor",
        "the 3rd": "the third",
        "the 12th": "the twelfth",
        "the 100th": "the one hundredth",
    },
    "fractions": {
        "1/2 cup": "one half cup",
        "3/4": "three quarters",
        "2/3": "two thirds",
        "1 1/2 hours": "one and one half hours",
        "2½ hours": "two and a half hours",
        "½ portion": "one half portion",
        "open 24/7": "open twenty-four seven",
    },
    "times": {
        "7:30": "seven thirty",
        "7:30 am": "seven thirty AM",
        "7:30am": "seven thirty AM",
        "7 am": "seven AM",
        "7pm": "seven PM",
        "7 a.m. sharp": "seven AM sharp",
        "10:30 p.m.": "ten thirty PM.",
        "7.30 pm": "seven thirty PM",
        "7:05": "seven oh five",
        "7:00": "seven o'clock",
        "19:00": "seven PM",
        "19:45": "seven forty-five PM",
        "00:30": "twelve thirty AM",
        "12:00": "twelve o'clock",
        "11:00 hrs": "eleven o'clock",
        "7:30, or later": "seven thirty, or later",
    },
    "time ranges": {
        "7–10 am": "seven to ten AM",
        "9:00–17:30": "nine o'clock to five thirty PM",
        "6:30 - 9:15 pm": "six thirty to nine fifteen PM",
    },
    "dates": {
        "March 5": "March fifth",
        "March 5, 2024": "March fifth, twenty twenty-four",
        "March 5th": "March fifth",
        "Mar. 5": "March fifth",
        "5 March": "the fifth of March",
        "the 5th of March": "the fifth of March",
        "5 March 2024": "the fifth of March, twenty twenty-four",
        "March 5–7": "March fifth to seventh",
        "5–7 March": "the fifth to the seventh of March",
        "2026-03-05": "March fifth, twenty twenty-six",
        "5.3.2026": "the fifth of March, twenty twenty-six",
        "24 Dec": "the twenty-fourth of December",
        "Dec 24 to Jan 2": "December twenty-fourth to January second",
        "from May–September": "from May to September",
        "on Sept. 9": "on September ninth",
        "May I?": "May I?",
    },
    "years": {
        "built in 1924": "built in nineteen twenty-four",
        "since 1905": "since nineteen oh five",
        "in 2005": "in two thousand and five",
        "in 2000": "in two thousand",
        "in 2019": "in twenty nineteen",
        "2019–2020": "twenty nineteen to twenty twenty",
        "the 1980s": "the nineteen eighties",
        "the 90s": "the nineties",
        "room 1204": "room twelve oh four",
    },
    "days": {
        "Mon–Fri": "Monday to Friday",
        "Mon-Fri": "Monday to Friday",
        "Monday–Friday": "Monday to Friday",
        "Mon, Wed & Fri": "Monday, Wednesday and Friday",
        "Sat & Sun": "Saturday and Sunday",
        "Sat 10-16": "Saturday ten to sixteen",
        "Tues. and Thurs.": "Tuesday and Thursday.",
        "I sat in the sun.": "I sat in the sun.",
        "The Sun is warm": "The Sun is warm",
    },
    "money": {
        "€12.50": "twelve euros fifty",
        "12.50 euros": "twelve euros fifty",
        "12.50 €": "twelve euros fifty",
        "EUR 12": "twelve euros",
        "$5": "five dollars",
        "$1": "one dollar",
        "€1": "one euro",
        "€0.50": "fifty cents",
        "£0.01": "one penny",
        "£3.99": "three pounds ninety-nine",
        "€12.05": "twelve euros and five cents",
        "$1,250.00": "one thousand two hundred and fifty dollars",
        "$1.2 million": "one point two million dollars",
        "$3m": "three million dollars",
        "€5–7": "five to seven euros",
        "€5-€7": "five to seven euros",
        "20–25 €": "twenty to twenty-five euros",
        "CHF 30": "thirty francs",
        "50 cents": "fifty cents",
        "costs €18.": "costs eighteen euros.",
    },
    "telephone": {
        "+44 20 7946 0123": "plus four four, two zero, seven nine four six, zero one two three",
        "(555) 123-4567": "five five five, one two three, four five six seven",
        "555-0123": "five five five, zero one two three",
        "1-800-555-0199": "one, eight zero zero, five five five, zero one nine nine",
        "030 1234 5678": "zero three zero, one two three four, five six seven eight",
        "call 12 34 56 78": "call one two, three four, five six, seven eight",
        "+49 (0)30 1234567": "plus four nine, zero, three zero, one two three four five six seven",
        "tel. 030/123456": "telephone zero three zero, one two three four five six",
    },
    "shares and units": {
        "12 %": "twelve percent",
        "12.5%": "twelve point five percent",
        "100%": "one hundred percent",
        "5–10%": "five to ten percent",
        "21 °C": "twenty-one degrees Celsius",
        "20–25 °C": "twenty to twenty-five degrees Celsius",
        "70°F": "seventy degrees Fahrenheit",
        "5 km": "five kilometres",
        "1 km": "one kilometre",
        "25m": "twenty-five metres",
        "25 m²": "twenty-five square metres",
        "30 min": "thirty minutes",
        "1 h": "one hour",
        "3 kg": "three kilograms",
        "50 km/h": "fifty kilometres an hour",
        "100 Mbit/s": "one hundred megabits a second",
        "10x20 m": "ten by twenty metres",
        "16 GB": "sixteen gigabytes",
        "~10 guests": "about ten guests",
        ">5 nights": "more than five nights",
    },
    "ranges": {
        "7–10": "seven to ten",
        "pages 3-5": "pages three to five",
        "10 – 12 people": "ten to twelve people",
        "a 24-hour desk": "a twenty-four hour desk",
        "a 5-star hotel": "a five star hotel",
    },
    "numbering": {
        "No. 5": "number five",
        "#7": "number seven",
        "room A4": "room ay four",
        "12B": "twelve B",
    },
    "abbreviations": {
        "Dr. Smith": "doctor Smith",
        "Dr Smith": "doctor Smith",
        "Mrs. White": "missus White",
        "Mr Brown": "mister Brown",
        "St. Mary's": "Saint Mary's",
        "12 Main St.": "twelve Main Street.",
        "on Main St. near": "on Main Street near",
        "e.g. tea": "for example tea",
        "i.e. now": "that is now",
        "approx. 5": "approximately five",
        "tea, coffee, etc.": "tea, coffee, et cetera.",
        "cats vs. dogs": "cats versus dogs",
        "ext. 12": "extension twelve",
        "incl. tax": "including tax",
        "Kim Jr.": "Kim junior.",
        "in the U.S. and": "in the US and",
        "w/o milk": "without milk",
        "and/or": "and or",
    },
    "addresses": {
        "info@heron-house.example": "info at heron dash house dot example",
        "a_b@c.de": "a underscore b at c dot de",
        "https://www.heron.example/menu/": "heron dot example slash menu",
        "www.heron.example": "heron dot example",
        "heron.example/a-b": "heron dot example slash a dash b",
        "see heron.example.": "see heron dot example.",
        "room2go@x.org": "room two go at x dot org",
    },
    "symbols": {
        "Bed & Breakfast": "Bed and Breakfast",
        "B&B": "B and B",
        "spa + pool": "spa plus pool",
        "you @ home": "you at home",
        "tea/coffee": "tea coffee",
    },
    "what nobody says": {
        "**Bold** _and_ `code`": "Bold and code",
        "# Title": "Title",
        "- first": "first",
        "* second": "second",
        "[our menu](https://x.example/y)": "our menu",
        "Hello 😀👍🏽!": "Hello!",
        "“Yes,” she said (softly).": "Yes, she said softly.",
        "😀": "",
        "": "",
        "   ": "",
    },
    "marks": {
        "well – you know": "well, you know",
        "really?!": "really?",
        "wait... what": "wait. what",
        "one; two: three": "one; two: three",
        "don’t, it's fine": "don’t, it's fine",
        "Wi-Fi and check-in": "Wi-Fi and check-in",
        "naïve café": "naïve café",
    },
}
CASES = [(kind, written, said) for kind, table in READINGS.items() for written, said in table.items()]


@pytest.mark.parametrize(("kind", "written", "said"), CASES, ids=[f"{kind}: {written}" for kind, written, _ in CASES])
def test_written_text_is_said(kind: str, written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize("written", [written for _, written, _ in CASES])
def test_every_written_word_is_kept_in_order(written: str) -> None:
    assert "".join("".join(part.written.split()) for part in spoken_parts(written)) == "".join(written.split())


@pytest.mark.parametrize("written", [written for _, written, _ in CASES])
def test_no_digit_is_left_to_the_voice(written: str) -> None:
    assert not any(character.isdigit() for character in spoken(written))


def test_a_part_spans_all_words_of_a_time() -> None:
    assert spoken_parts("At 7:30 am, please.") == [
        Part("At", "At"),
        Part("7:30 am,", "seven thirty AM,"),
        Part("please.", "please."),
    ]


def test_an_emoji_is_a_silent_part() -> None:
    assert spoken_parts("Hi 😀 you") == [Part("Hi", "Hi"), Part("😀", ""), Part("you", "you")]


def test_other_languages_keep_their_numbers_for_the_phonemizer() -> None:
    assert spoken("Um 7:30 Uhr **öffnen** wir 😀.", language="de") == "Um 7:30 Uhr öffnen wir."
