"""Prompts, text and words of English-only and multilingual vocabularies."""

from pathlib import Path

import pytest

from plugins.errors import InvalidRequest, ModelCorrupt, ModelMissing
from plugins.whisper.alignment import is_plausible, words_by_length, words_from_attention
from plugins.whisper.tokens import Piece, Tokens
from plugins.whisper.transcripts import Word
from tests.plugins.whisper.conftest import make_tokenizer


@pytest.fixture(scope="module")
def english(folder: Path) -> Tokens:
    return Tokens(folder, is_multilingual=False)


@pytest.fixture(scope="module")
def multilingual(multilingual_folder: Path) -> Tokens:
    return Tokens(multilingual_folder, is_multilingual=True)


def ids(text: str) -> list[int]:
    return make_tokenizer(300).encode(text, add_special_tokens=False).ids


def names(tokens: list[int], size: int) -> list[str | None]:
    tokenizer = make_tokenizer(size)
    return [tokenizer.id_to_token(token) for token in tokens]


def test_an_english_model_is_told_nothing_about_language(english: Tokens) -> None:
    assert names(english.prompt("en"), 300) == ["<|startoftranscript|>", "<|notimestamps|>"]


def test_a_multilingual_model_is_told_language_and_task(multilingual: Tokens) -> None:
    expected = ["<|startoftranscript|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>"]
    assert names(multilingual.prompt("de"), 301) == expected
    assert names(multilingual.prompt("de-AT"), 301) == expected


def test_an_unknown_language_is_refused(multilingual: Tokens) -> None:
    with pytest.raises(InvalidRequest, match="does not know 'tlh'"):
        multilingual.check_language("tlh")


def test_an_english_model_takes_any_language_for_english(english: Tokens) -> None:
    english.check_language("tlh")


def test_text_has_single_spaces_and_no_special_tokens(english: Tokens) -> None:
    assert english.text([*english.prompt("en"), *ids("  two  words ")]) == "two words"


def test_words_begin_with_a_space(english: Tokens) -> None:
    pieces = english.words(ids(" Is it free?"), language="en")
    assert pieces == [Piece("Is", 3), Piece("it", 3), Piece("free?", 6)]


def test_letters_of_several_tokens_stay_whole(english: Tokens) -> None:
    assert [piece.text for piece in english.words(ids(" naïve café"), language="en")] == ["naïve", "café"]


def test_languages_without_spaces_have_a_word_for_each_character(english: Tokens) -> None:
    assert [piece.text for piece in english.words(ids("朝食。"), language="ja")] == ["朝", "食。"]


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"tokenizer\.json"):
        Tokens(tmp_path, is_multilingual=False)


def test_a_tokenizer_that_is_no_whispers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {}}}', encoding="utf-8")
    with pytest.raises(ModelCorrupt, match="vocabulary is empty"):
        Tokens(tmp_path, is_multilingual=False)


def test_a_tokenizer_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "New", "vocab": {"a": 0}}}', encoding="utf-8")
    with pytest.raises(ModelCorrupt, match=r"tokenizer\.json"):
        Tokens(tmp_path, is_multilingual=False)


def test_words_take_their_times_from_the_path_of_attention() -> None:
    path = [(0, 10), (0, 12), (1, 20), (2, 30), (2, 34), (3, 40)]
    words = words_from_attention([Piece("good", 2), Piece("day", 1)], path, end_s=2.0)
    assert words == [
        Word("good", pytest.approx(0.2), pytest.approx(0.6)),
        Word("day", pytest.approx(0.6), pytest.approx(0.8)),
    ]


def test_the_last_word_ends_with_the_audio_where_the_path_does_not_tell() -> None:
    (word,) = words_from_attention([Piece("day", 2)], [(0, 5), (1, 9)], end_s=0.7)
    assert word == Word("day", pytest.approx(0.1), pytest.approx(0.7))


def test_no_path_gives_no_plausible_words() -> None:
    assert not is_plausible(words_from_attention([Piece("a", 1), Piece("b", 1), Piece("c", 1)], [], end_s=1.0))


def test_words_in_one_place_are_not_plausible() -> None:
    assert not is_plausible([Word("a", 1.0, 1.1), Word("b", 1.0, 1.1), Word("c", 1.0, 1.1)])
    assert is_plausible([Word("a", 1.0, 1.1), Word("b", 1.1, 1.2), Word("c", 1.1, 1.3)])


def test_words_are_spread_by_length() -> None:
    words = words_by_length([Piece("a", 1), Piece("bbb", 1)], start_s=1.0, end_s=2.2)
    assert words == [Word("a", 1.0, pytest.approx(1.4)), Word("bbb", pytest.approx(1.4), pytest.approx(2.2))]
