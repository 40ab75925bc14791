"""Text is cut into clauses as early as is safe, and never inside what belongs together."""

import random
import re
from collections.abc import Iterator

import pytest

from plugins.piper import clauses as rules
from plugins.piper.clauses import CLOSERS, ClauseCutter, Cutting, cut

TEXTS = {
    "Sure. The museum opens at six.": ["Sure.", " The museum opens at six."],
    "Breakfast is free, and lunch is not.": ["Breakfast is free,", " and lunch is not."],
    "Yes, of course, it is. Come in, please.": ["Yes, of course,", " it is.", " Come in, please."],
    "It costs €12.50, or 1,200 yen.": ["It costs €12.50,", " or 1,200 yen."],
    "Open from 7:30 to 9.15 today. Come!": ["Open from 7:30 to 9.15 today.", " Come!"],
    "Ask Dr. Smith or Mrs. White.": ["Ask Dr. Smith or Mrs. White."],
    "Bring, e.g. a towel.": ["Bring, e.g. a towel."],
    "Take room No. 5 now. No. We are full.": ["Take room No. 5 now.", " No.", " We are full."],
    "Open till 9 p.m. on Sundays. Closed at 10 p.m. The pool is warm.": [
        "Open till 9 p.m. on Sundays.",
        " Closed at 10 p.m.",
        " The pool is warm.",
    ],
    "Mail info@heron.example or see www.heron.example/a.b, please.": [
        "Mail info@heron.example or see www.heron.example/a.b,",
        " please.",
    ],
    "On May 5, 2024 we open.": ["On May 5, 2024 we open."],
    "Really?! Yes… I think so.": ["Really?!", " Yes…", " I think so."],
    "He said “yes.” Then he left.": ["He said “yes.”", " Then he left."],
    "1. Breakfast\n2. Lunch": ["1. Breakfast\n", "2. Lunch"],
    "J. Smith is here.": ["J. Smith is here."],
    "The pool – heated – is open.": ["The pool –", " heated – is open."],
    "你好。再见。": ["你好。", "再见。"],
    "no end": ["no end"],
    "": [],
    "  \n ": [],
}


@pytest.mark.parametrize(("text", "clauses"), TEXTS.items())
def test_a_text_is_cut(text: str, clauses: list[str]) -> None:
    assert cut(text) == clauses


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_cuts_come_letter_by_letter(text: str) -> None:
    cutter = ClauseCutter()
    clauses = [clause for letter in text for clause in cutter.feed(letter)]
    assert clauses + cutter.flush() == TEXTS[text]


def test_a_clause_comes_with_the_space_after_it() -> None:
    cutter = ClauseCutter()
    assert cutter.feed("Sure.") == []
    assert cutter.feed(" The") == ["Sure."]


def test_a_first_clause_without_marks_ends_before_a_joining_word() -> None:
    words = "The breakfast room is open every morning of the week from seven until half past ten"
    assert cut(words)[0] == "The breakfast room is open every morning of the week"


def test_a_number_keeps_its_unit_and_its_neighbours() -> None:
    text = "You can reach us all day long under the number 030 1234 5678 9012 at home"
    clauses = cut(text, Cutting(first_max=11))
    assert all(not clause.rstrip()[-1].isdigit() or clause.endswith("9012") for clause in clauses)


def test_a_later_clause_that_is_very_long_ends_at_an_inner_mark() -> None:
    text = "Well then. " + "one two three four five six seven, " * 5 + "end."
    assert cut(text)[1].endswith("seven,")
    assert "".join(cut(text)) == text


def test_text_without_any_space_is_cut_all_the_same() -> None:
    text = "x" * 1000
    clauses = cut(text)
    assert "".join(clauses) == text
    assert max(map(len, clauses)) <= Cutting().max_chars


def test_after_a_flush_the_next_clause_is_a_first_one() -> None:
    cutter = ClauseCutter()
    cutter.feed("All of it. Then")
    cutter.flush()
    assert cutter.feed("On the left, you") == ["On the left,"]


PARTS = [
    *'.!?…,;:—"”)\\*。！， \n',
    "...",
    "  ",
    " – ",
    "a",
    "I",
    "Dr.",
    "No.",
    "p.m.",
    "12",
    "3.50",
    "and",
    "word",
    "x" * 99,
]


def plain_marks(pattern: re.Pattern[str], text: str) -> list[int]:
    return sorted(match.end() for match in pattern.finditer(text) if text[: match.end()].strip())


def test_marks_are_the_same_whether_found_one_by_one_or_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(1)
    texts = ["".join(dice.choices(PARTS, k=dice.choice([3, 8, 20, 60]))) for _ in range(1500)]
    cuttings = [Cutting(), Cutting(1, 3, 5, 40), Cutting(3, 4, 6, 30)]
    found = [cut(text, cutting) for text in texts for cutting in cuttings]
    monkeypatch.setattr(rules, "SENTENCE_MARK", re.compile(rf"(?:[.!?…]+[{CLOSERS}]*(?=\s)|[。！？]|\n)"))
    monkeypatch.setattr(rules, "_marks", plain_marks)
    monkeypatch.setattr(rules, "_has_words", lambda text, least: len(text.split()) >= least)
    assert found == [cut(text, cutting) for text in texts for cutting in cuttings]


class Seen:
    """A pattern that counts what was found with it."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.marks = 0

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        for match in self._pattern.finditer(text):
            self.marks += 1
            yield match


def test_no_mark_is_looked_for_beyond_the_next_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(rules.SENTENCE_MARK)
    monkeypatch.setattr(rules, "SENTENCE_MARK", seen)
    assert len(cut("。" * 300)) == 300
    assert seen.marks <= 2 * 300
