"""Interim transcripts show what two decodes in a row agree on."""

from plugins.whisper.interim import Agreement, common_words


def shown(*decodes: str) -> list[str]:
    agreement = Agreement()
    return [agreement.update(decode) for decode in decodes]


def test_the_first_decode_shows_nothing() -> None:
    assert shown("what time") == [""]


def test_words_of_two_decodes_are_shown() -> None:
    assert shown("what time", "what time is") == ["", "what time"]


def test_a_word_cut_off_by_the_end_of_the_audio_is_not_shown() -> None:
    assert shown("what time is break", "what time is breakfast served") == ["", "what time is"]


def test_case_and_marks_do_not_count_and_the_latest_are_shown() -> None:
    assert shown("What time", "what time, is") == ["", "what time,"]


def test_agreed_words_stay_when_a_decode_stumbles() -> None:
    assert shown("what time is", "what time is it", "but climb", "what time is it now")[2:] == [
        "what time is",
        "what time is",
    ]


def test_two_decodes_that_agree_otherwise_win() -> None:
    assert shown("what time is", "what time is", "but climb is high", "but climb is high")[-1] == "but climb is high"


def test_an_empty_decode_takes_nothing_back() -> None:
    assert shown("good morning", "good morning", "")[-1] == "good morning"


def test_common_words_are_counted_from_the_start() -> None:
    assert common_words(["a", "b", "c"], ["a", "b", "x", "c"]) == 2
    assert common_words([], ["a"]) == 0
