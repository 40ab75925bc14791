"""The agent's speech as it is sent, taken back and sent again."""

import numpy as np
import pytest

from agent.reel import Reel
from plugins.audio import Int16

RATE_HZ = 1000
STEP = 10


def reel(samples: Int16, *, complete: bool = True) -> Reel:
    made = Reel(RATE_HZ)
    made.add(samples.astype("<i2").tobytes())
    made.is_complete = complete
    return made


def ramp(count: int) -> Int16:
    return np.arange(1, count + 1).astype(np.int16)


def test_speech_leaves_in_order() -> None:
    speech = reel(ramp(40))
    assert np.concatenate([speech.next(20), speech.next(20)]).tolist() == ramp(40).tolist()


def test_only_whole_steps_leave_while_more_may_come() -> None:
    speech = reel(ramp(27), complete=False)
    assert speech.next(100).size == 20
    assert speech.ready == 0


def test_the_end_is_filled_up_to_a_whole_step() -> None:
    assert reel(ramp(27)).next(100).tolist() == [*ramp(27).tolist(), 0, 0, 0]


def test_what_was_taken_back_is_sent_again() -> None:
    speech = reel(ramp(40))
    speech.next(40)
    speech.take_back(15)
    assert speech.next(15)[:15].tolist() == ramp(40)[25:].tolist()


def test_it_fades_and_stays_quiet() -> None:
    speech = reel(np.full(60, 1000, np.int16))
    speech.fade(0.2, over_s=0.02)
    sent = speech.next(40)
    assert (np.diff(sent[:20]) < 0).all()
    assert sent[20:].tolist() == [200] * 20


def test_it_becomes_as_loud_as_before() -> None:
    speech = reel(np.full(100, 1000, np.int16))
    speech.fade(0.2, over_s=0.01)
    speech.next(20)
    speech.fade(1.0, over_s=0.02)
    assert speech.next(80)[-10:].tolist() == [1000] * 10


def test_after_a_hold_it_begins_again_in_the_pause_before_the_word_that_was_covered() -> None:
    word, pause = np.full(200, 900, np.int16), np.zeros(50, np.int16)
    speech = reel(np.concatenate([word, pause, word, word]))
    speech.next(500)
    speech.rewind(400)
    assert 200 <= speech.position < 250


@pytest.mark.parametrize("position", [0, 5])
def test_near_the_beginning_there_is_nothing_to_look_for(position: int) -> None:
    speech = reel(ramp(100))
    speech.next(50)
    speech.rewind(position)
    assert speech.position == position
