"""The grammar that writes what the teacher says."""

import itertools
import random
import re
from pathlib import Path

import pytest

from training.voice.texts import GRAMMAR, dictionary_rules, expand, parse_grammar, texts

FROM_DICTIONARY = {"word", "proper"}


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text("apple\nAmsterdam\nit's\nshit\nriver\n")
    return path


def test_every_rule_named_in_the_grammar_exists() -> None:
    text = re.sub(r"\{times \d+\}", "", GRAMMAR.read_text())
    assert set(re.findall(r"\{(\w+)\}", text.split("\n", 3)[3])) - FROM_DICTIONARY <= set(parse_grammar(text))


def test_choices_marked_with_times_are_repeated() -> None:
    assert parse_grammar("greeting = {times 3}hello | hi") == {"greeting": ["hello", "hello", "hello", "hi"]}


def test_rules_expand_within_rules() -> None:
    rules = parse_grammar("line = the {thing} is {colour}\nthing = boat\ncolour = red")
    assert expand("line", rules=rules, rng=random.Random(1)) == "the boat is red"


def test_the_dictionary_gives_words_and_names_without_offence(dictionary: Path) -> None:
    assert dictionary_rules(dictionary) == {"word": ["apple", "river"], "proper": ["Amsterdam"]}


def test_texts_are_repeatable_and_free_of_digits(dictionary: Path) -> None:
    first, again = (list(itertools.islice(texts(seed=7, dictionary=dictionary), 300)) for _ in range(2))
    assert first == again
    assert not any(re.search(r"[\d{}]", text) for text in first)


def test_each_text_is_one_sentence(dictionary: Path) -> None:
    spoken = itertools.islice(texts(seed=7, dictionary=dictionary), 500)
    assert not any(re.search("[.?!] ", text) for text in spoken)
