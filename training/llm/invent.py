"""Invented businesses: what their documents say and what their callers ask, never the same twice."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

Choice = TypeVar("Choice")

_FOLDER = Path(__file__).parent
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NUMBERS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty",
    "thirty", "forty", "fifty", "sixty",
)  # fmt: skip
_TITLES = ("the {}", "the {}", "our {}", "the old {}", "the new {}", "the big {}", "the small {}")
_PLACES = (
    "next to {}", "behind {}", "opposite {}", "in front of {}", "above {}", "to the left of {}", "to the right of {}",
    "between the entrance and {}", "on the first floor beside {}", "in the cellar under {}", "in the yard near {}",
)  # fmt: skip
_ANIMALS = ("dogs", "cats", "birds", "horses", "rabbits", "ponies", "pets", "puppies", "parrots", "goats")
_COLOURS = ("dark green", "light blue", "yellow", "white", "red", "orange", "silver", "brown and white", "grey", "pink")
_OBJECTS = (
    "towels", "slippers", "helmets", "gloves", "boots", "candles", "umbrellas", "batteries", "postcards", "stamps",
    "tea and cake", "a packed lunch", "two free drinks", "a warm coat", "a photo", "an identity card", "water bottles",
    "sunglasses", "maps", "pens", "sheet music", "blankets", "bandages", "flowers", "sandwiches", "ropes", "skates",
)  # fmt: skip
_ASIDES = ("", "", "", "", " every week", " as a rule", ", and everybody is welcome", ", so please come in time",
           ", but only in summer", ", as in the years before", ", which many of our guests enjoy")  # fmt: skip


@dataclass(frozen=True)
class Template:
    """A kind of fact: the kind of its value, sentences that state it and questions that it answers."""

    kind: str
    sentences: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One sentence of a document, the thing it is about and the questions that it answers."""

    sentence: str
    thing: str
    day: str
    template: Template
    questions: tuple[str, ...]


@cache
def read_templates() -> tuple[Template, ...]:
    """The kinds of facts of `facts.txt`."""
    rows = [line.split(";") for line in _lines("facts.txt")]
    return tuple(Template(kind, tuple(said.split("|")), tuple(asked.split("|"))) for kind, said, asked in rows)


@cache
def read_talk() -> dict[str, tuple[str, ...]]:
    """What callers say for each stock line, by its name."""
    return {name: tuple(said.split("|")) for name, said in (line.split(";") for line in _lines("talk.txt"))}


@cache
def read_things() -> tuple[str, ...]:
    """Nouns that facts are about."""
    single, several = _lines("things.txt")
    return (*single.split(), *several.split("|"))


def _lines(name: str) -> list[str]:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


class Inventor:
    """Makes things, names, values and facts from one source of chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self._values: dict[str, Callable[[], str]] = {
            "price": self._price, "time": self._time, "hours": self._hours, "day": lambda: self._pick(_DAYS),
            "month": lambda: self._pick(_MONTHS), "phone": self._phone, "place": self._place, "person": self._person,
            "duration": self._duration, "count": lambda: self._pick(_NUMBERS), "distance": self._distance,
            "degrees": lambda: str(self.chance.randint(15, 95)), "word": lambda: f"{self.name()} {self.name()}",
            "year": lambda: str(self.chance.randint(1700, 2024)), "colour": lambda: self._pick(_COLOURS),
            "animal": lambda: self._pick(_ANIMALS), "thing": lambda: self._pick(_OBJECTS), "none": lambda: "",
        }  # fmt: skip

    def thing(self) -> str:
        """Something a business has, as "the boat trip"."""
        noun = (
            self._pick(read_things()) if self.chance.random() < 0.85 else f"{self.name()} {self._pick(read_things())}"
        )
        return self._pick(_TITLES).format(noun)

    def name(self) -> str:
        """A name nobody has."""
        syllables = self.chance.randint(1, 3)
        made = "".join(self._pick(_ONSETS) + self._pick(_VOWELS) for _ in range(syllables)) + self._pick(_CODAS)
        return made.capitalize()

    def facts(self, *, thing: str | None = None, template: Template | None = None, day: str | None = None) -> Fact:
        """One fact; what is not given is invented."""
        template = template or self._pick(read_templates())
        thing = thing or self.thing()
        day = day or self._pick(_DAYS)
        value = self._values[template.kind]()
        sentence = self._fill(self._pick(template.sentences), thing, value, day)
        questions = tuple(self._asked(question, thing, value, day) for question in template.questions)
        return Fact(sentence=sentence, thing=thing, day=day, template=template, questions=questions)

    def fact_of_same_thing(self, fact: Fact) -> Fact:
        """Another kind of fact about the same thing."""
        others = [
            template for template in read_templates() if not set(template.questions) & set(fact.template.questions)
        ]
        return self.facts(thing=fact.thing, template=self._pick(others))

    def fact_of_same_kind(self, fact: Fact) -> Fact:
        """The same kind of fact about another thing or, where days matter, for another day."""
        if "{d}" in fact.template.sentences[0] and self.chance.random() < 0.6:
            day = self._pick([day for day in _DAYS if day != fact.day])
            return self.facts(thing=fact.thing, template=fact.template, day=day)
        return self.facts(template=fact.template)

    def _fill(self, pattern: str, thing: str, value: str, day: str) -> str:
        end = self._pick(_ASIDES) if pattern.endswith(".") and self.chance.random() < 0.5 else ""
        filled = pattern.format(e=thing, E=thing, v=value, d=day)
        filled = filled[:-1] + end + filled[-1:] if end else filled
        return filled[0].upper() + filled[1:]

    def _asked(self, pattern: str, thing: str, value: str, day: str) -> str:
        spoken_thing = (
            thing if self.chance.random() < 0.7 else re.sub(r"^(our|the)( old| new| big| small)?", "the", thing)
        )
        if self.chance.random() < 0.2:
            spoken_thing = spoken_thing.removeprefix("the ").removeprefix("our ")
        return pattern.format(e=spoken_thing, v=value, d=day.removesuffix("s")).lower()

    def _pick(self, of: Sequence[Choice]) -> Choice:
        return self.chance.choice(of)

    def _price(self) -> str:
        amount = self.chance.choice((self.chance.randint(1, 40), self.chance.randint(40, 300)))
        unit = self._pick(("euros", "euros", "euros", "cents"))
        return f"{amount} {unit}" + self._pick(("", "", "", " an hour", " a day", " a night", " per person", " a week"))

    def _time(self) -> str:
        hour = self.chance.randint(1, 12)
        clock = self._pick((f"{hour} am", f"{hour} pm", f"{hour}:30", f"{hour}:15 in the morning", "noon", "midnight"))
        return clock if self.chance.random() < 0.9 else f"half past {self._pick(_NUMBERS[:11])}"

    def _hours(self) -> str:
        return f"{self._time()} {self._pick(('to', 'until'))} {self._time()}"

    def _phone(self) -> str:
        return f"0{self.chance.randint(100, 999)} {self.chance.randint(100, 999)} {self.chance.randint(100, 999)}"

    def _place(self) -> str:
        return self._pick(_PLACES).format(self.thing())

    def _person(self) -> str:
        return self._pick(("{0} {1}", "{0} {1}", "Doctor {1}", "Mister {1}", "{0}")).format(self.name(), self.name())

    def _duration(self) -> str:
        return f"{self._pick(_NUMBERS)} {self._pick(('minutes', 'hours', 'days', 'weeks', 'months', 'years'))}"

    def _distance(self) -> str:
        return self._pick(("{} kilometres", "{} minutes on foot", "{} minutes by car", "{} metres")).format(
            self._pick(_NUMBERS)
        )


_OPENINGS = ("please tell me ", "excuse me ", "can you tell me ", "uh ", "i would like to know ", "so ")
_ONSETS = (*"bcdfghjklmnprstvwz", "br", "st", "tr", "kl", "sh", "th", "gr", "fl", "pr", "ch")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "oo", "ie", "ou")
_CODAS = ("", "", "n", "r", "k", "x", "lt", "nd", "s", "m", "ll", "rt")


@dataclass(frozen=True)
class Turn:
    """One question to choose an answer for: the lines in order of retrieval, and which of them is right."""

    lines: tuple[str, ...]
    question: str
    answer: str
    history: tuple[tuple[str, str], ...] = ()


class Caller:
    """Makes turns as quote mode meets them: mostly among sentences that retrieval could not tell apart."""

    def __init__(self, chance: random.Random, *, stock: dict[str, str]) -> None:
        self.chance = chance
        self.inventor = Inventor(chance)
        self.stock = stock

    def turns(self) -> Iterator[Turn]:
        """Turns without end."""
        while True:
            yield self._turn()

    def _turn(self) -> Turn:
        kind = self.chance.random()
        if kind < 0.72:
            return self._asks()
        if kind < 0.84:
            return self._follows_up()
        return self._talks() if kind < 0.92 else self._asks_in_vain()

    def _asks(self) -> Turn:
        fact = self.inventor.facts()
        question = self._said(self.chance.choice(fact.questions))
        lines = self._ranked(fact, question)
        if self.chance.random() < 0.4:
            lines = (*lines, self.stock["not_in_documents"])
        return Turn(lines=lines, question=question, answer=fact.sentence)

    def _follows_up(self) -> Turn:
        first = self.inventor.facts()
        same_kind = self.chance.random() < 0.5
        then = self.inventor.fact_of_same_kind(first) if same_kind else self.inventor.fact_of_same_thing(first)
        asked = self.chance.choice(then.questions)
        if same_kind:
            topic = then.thing if then.thing != first.thing else f"on {then.day.removesuffix('s')}"
            asked = self.chance.choice(("and {}", "what about {}", "and what about {}", "how about {}")).format(topic)
        else:
            asked = asked.replace(then.thing.lower(), "it")
        before = (self._said(self.chance.choice(first.questions)), first.sentence)
        lines = self._ranked(then, asked, also=(first.sentence,))
        return Turn(lines=lines, question=asked.lower(), answer=then.sentence, history=(before,))

    def _talks(self) -> Turn:
        name = self.chance.choice(tuple(read_talk()))
        fact = self.inventor.facts()
        said = self._said(self.chance.choice(read_talk()[name]))
        lines = [self.stock[name], fact.sentence, self.inventor.fact_of_same_thing(fact).sentence]
        self.chance.shuffle(lines)
        return Turn(lines=tuple(lines), question=said, answer=self.stock[name])

    def _asks_in_vain(self) -> Turn:
        fact = self.inventor.facts()
        question = self._said(self.chance.choice(fact.questions))
        lines = [line for line in self._ranked(fact, question) if line != fact.sentence]
        answer = self.stock["not_in_documents"]
        return Turn(lines=(*lines, answer), question=question, answer=answer)

    def _said(self, question: str) -> str:
        return self.chance.choice(_OPENINGS) + question if self.chance.random() < 0.3 else question

    def _ranked(self, fact: Fact, question: str, *, also: Sequence[str] = ()) -> tuple[str, ...]:
        """The right line among like ones, in the order of a search that counts words and sometimes errs."""
        makers = (self.inventor.fact_of_same_thing, self.inventor.fact_of_same_kind)
        others = [self.chance.choice(makers)(fact).sentence for _ in range(self.chance.randint(1, 3 - len(also)))]
        lines = list(dict.fromkeys([fact.sentence, *others, *also]))
        asked = set(question.split())
        noise = {line: self.chance.gauss(0, 1.2) + 0.8 * (line == fact.sentence) for line in lines}
        lines.sort(key=lambda line: -len(asked & set(line.lower().rstrip(".").split())) - noise[line])
        return tuple(lines)
