"""Several weak signs together decide what is speech."""

from dataclasses import replace

import pytest

from plugins.whisper.judge import Doubt, Evidence, Thresholds, judge, without_loop

CLEAR = Evidence(text="what time is breakfast", no_speech=0.02, mean_logprob=-0.2, tokens=6, audio_s=1.6)


def test_clear_speech_is_speech() -> None:
    verdict = judge(CLEAR)
    assert verdict.is_speech
    assert verdict.doubt == 0.0
    assert verdict.confidence == pytest.approx(0.819, abs=0.001)


@pytest.mark.parametrize(
    "sign",
    [
        {"no_speech": 0.99},
        {"mean_logprob": -1.5},
        {"tokens": 30},
    ],
)
def test_one_sign_alone_does_not_condemn(sign: dict[str, float]) -> None:
    assert judge(replace(CLEAR, **sign)).is_speech


@pytest.mark.parametrize(
    "signs",
    [
        {"no_speech": 0.95, "mean_logprob": -1.0},
        {"text": "can", "tokens": 1, "no_speech": 0.85, "mean_logprob": -0.34},  # a cough
        {"mean_logprob": -1.4, "tokens": 30},
        {"text": "so and so and so and so and so and so and so and so and so and so", "no_speech": 0.8, "tokens": 30},
        {"tokens": 40, "looping_tokens": 36, "mean_logprob": -0.9},
    ],
)
def test_signs_add_up(signs: dict[str, float]) -> None:
    assert not judge(replace(CLEAR, **signs)).is_speech


@pytest.mark.parametrize("text", ["", " ", "...", "♪"])
def test_text_without_words_is_not_speech(text: str) -> None:
    assert not judge(replace(CLEAR, text=text)).is_speech


def test_thresholds_are_the_callers_choice() -> None:
    strict = Thresholds(no_speech=Doubt(0.0, 0.01, 1.0))
    assert not judge(CLEAR, strict).is_speech


def test_a_doubt_grows_between_its_ends() -> None:
    doubt = Doubt(1.0, 3.0, 0.5)
    assert [doubt.of(value) for value in (0.0, 1.0, 2.0, 3.0, 9.0)] == [0.0, 0.0, 0.25, 0.5, 0.5]


def test_nothing_heard_in_no_time_divides_by_nothing() -> None:
    assert not judge(Evidence(text="", no_speech=1.0, mean_logprob=0.0, tokens=0, audio_s=0.0)).is_speech


def test_a_loop_at_the_end_is_cut_to_one_round() -> None:
    assert without_loop([1, 2, 3, *[7, 8, 9] * 6]) == [1, 2, 3, 7, 8, 9]


def test_a_loop_of_one_token_is_cut() -> None:
    assert without_loop([1, 2, *[5] * 20]) == [1, 2, 5]


@pytest.mark.parametrize("ids", [[], [1], [5, 5, 5, 5], [1, 2, 1, 2, 1, 2], [5] * 11, list(range(50))])
def test_what_people_repeat_stays(ids: list[int]) -> None:
    assert without_loop(ids) == ids
