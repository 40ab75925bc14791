import pytest

from plugins.llama.pace import STEP_ALONE_S, STEP_BESIDE_ANSWERS_S, Pace, share_out


def test_a_step_beside_answers_reads_what_fits_into_its_time() -> None:
    pace = Pace(most_tokens=256)
    pace.learn(tokens=100, duration_s=0.1)
    assert pace.tokens(answering=True) == pytest.approx(STEP_BESIDE_ANSWERS_S / 0.001, abs=1)
    assert pace.tokens(answering=False) == pytest.approx(STEP_ALONE_S / 0.001, abs=1)


def test_a_fast_model_reads_whole_slices() -> None:
    pace = Pace(most_tokens=256)
    pace.learn(tokens=256, duration_s=0.001)
    assert pace.tokens(answering=True) == 256


def test_a_slow_model_still_gets_on() -> None:
    pace = Pace(most_tokens=256)
    pace.learn(tokens=64, duration_s=60.0)
    assert pace.tokens(answering=True) == 16


def test_steps_with_hardly_any_prompt_teach_nothing() -> None:
    pace = Pace(most_tokens=256)
    before = pace.tokens(answering=True)
    pace.learn(tokens=2, duration_s=9.0)
    assert pace.tokens(answering=True) == before


def test_the_most_urgent_prompt_is_read_first() -> None:
    assert share_out([300, 50, 10], 256) == [256, 0, 0]
    assert share_out([100, 50, 500], 256) == [100, 50, 106]
