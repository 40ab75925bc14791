"""When the agent gives way to a sound, and to which words."""

import pytest

from agent.barge_in import Evidence, Patience, Stance, give_way, is_meant

PATIENCE = Patience()


def after(stance: Stance, *, sound_s: float = 0.0, speech_s: float = 0.0, quiet_s: float = 0.0) -> Stance:
    return give_way(stance, Evidence(sound_s, speech_s, quiet_s), PATIENCE)


def test_an_undisturbed_agent_speaks_on() -> None:
    assert after(Stance.SPEAK, quiet_s=3.0) is Stance.SPEAK


def test_a_click_is_not_minded() -> None:
    assert after(Stance.SPEAK, sound_s=0.01) is Stance.SPEAK


def test_a_sound_turns_the_agent_down_before_anybody_knows_what_it_is() -> None:
    assert after(Stance.SPEAK, sound_s=0.02) is Stance.DUCK


def test_a_loud_sound_does_so_at_once() -> None:
    assert give_way(Stance.SPEAK, Evidence(sound_s=0.01, is_loud=True), PATIENCE) is Stance.DUCK


def test_speech_silences_it() -> None:
    assert after(Stance.DUCK, sound_s=0.15, speech_s=0.12) is Stance.HOLD


def test_speech_that_nobody_heard_begin_silences_it_too() -> None:
    assert after(Stance.SPEAK, speech_s=0.12) is Stance.HOLD


def test_it_is_loud_again_soon_after_a_mere_sound() -> None:
    assert after(Stance.DUCK, quiet_s=0.1) is Stance.DUCK
    assert after(Stance.DUCK, quiet_s=0.2) is Stance.SPEAK


def test_a_noise_that_stays_is_no_longer_minded() -> None:
    assert after(Stance.DUCK, sound_s=0.5) is Stance.DUCK
    assert after(Stance.DUCK, sound_s=0.6) is Stance.SPEAK
    assert after(Stance.SPEAK, sound_s=5.0) is Stance.SPEAK


def test_a_silenced_agent_waits_for_words_before_it_goes_on() -> None:
    assert after(Stance.HOLD, quiet_s=0.4) is Stance.HOLD


def test_without_a_transcript_it_goes_on_all_the_same() -> None:
    assert after(Stance.HOLD, quiet_s=1.2) is Stance.SPEAK


@pytest.mark.parametrize("stance", [Stance.SPEAK, Stance.DUCK, Stance.HOLD])
def test_its_own_echo_never_disturbs_it(stance: Stance) -> None:
    assert give_way(stance, Evidence(sound_s=1.0, speech_s=1.0, is_echo=True), PATIENCE) is Stance.SPEAK


def test_what_is_stopped_stays_stopped() -> None:
    assert after(Stance.STOP, quiet_s=9.0) is Stance.STOP


@pytest.mark.parametrize(
    "words", ["Mm-hm.", "mhm", "uh-huh", "Yeah.", "okay, okay", "Yeah, right.", "I see.", "oh really", "uh how", ""]
)
def test_a_backchannel_is_not_meant_for_the_agent(words: str) -> None:
    assert not is_meant(words)


@pytest.mark.parametrize("words", ["stop", "no", "Wait, wait.", "yeah but what about dogs", "okay thank you bye"])
def test_anything_else_is(words: str) -> None:
    assert is_meant(words)


def test_a_hum_that_whisper_takes_for_a_word_is_not() -> None:
    assert not is_meant("october", confidence=0.7)
    assert not is_meant("of cat", confidence=0.7)
    assert is_meant("stop", confidence=0.4)


def test_a_word_of_what_was_too_short_for_speech_is_not_meant() -> None:
    assert is_meant("turn", confidence=0.9) and not is_meant("turn", confidence=0.9, is_voiced=False)
    assert is_meant("stop", confidence=0.5, is_voiced=False)
    assert is_meant("when does it open", confidence=0.9, is_voiced=False)


def test_doubts_about_a_whole_sentence_do_not_count() -> None:
    assert is_meant("how much is parking", confidence=0.5)


def test_a_first_word_alone_may_become_anything() -> None:
    assert not is_meant("I", is_final=False)
    assert is_meant("I want", is_final=False)


SENTENCE = "Breakfast is served from 7 am to 10 am in the garden room"
SPOKEN = SENTENCE.split()


def test_the_agents_own_words_coming_back_are_not_meant_for_it() -> None:
    assert not is_meant("is served from seven am", spoken=SPOKEN)
    assert not is_meant("Garden room.", spoken=SPOKEN)


def test_a_misheard_piece_of_an_echo_is_not_either_while_it_echoes() -> None:
    assert is_meant("a green room", confidence=0.9, spoken=SPOKEN)
    assert not is_meant("a green room", confidence=0.9, spoken=SPOKEN, is_echoing=True)
    assert is_meant("how much does parking cost in summer", spoken=SPOKEN, is_echoing=True)


def test_a_question_with_one_of_its_words_is() -> None:
    assert is_meant("how much is breakfast for two", spoken=SPOKEN)


def test_words_are_compared_only_where_the_microphone_hears_the_agent() -> None:
    assert is_meant("the garden room")
