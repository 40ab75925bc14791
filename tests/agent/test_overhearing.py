"""What the agent makes of the caller's microphone while it speaks."""

from collections.abc import Iterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import LanguageCode, stt, vad

from agent.barge_in import Patience, Stance
from agent.echo import Timeline
from agent.overhearing import Overhearing, Sound
from plugins.audio import Float, pcm_from_float

RATE_HZ = 16_000
STEP = RATE_HZ // 100


class Speech:
    """An agent that speaks."""

    def __init__(self) -> None:
        self.stance = Stance.SPEAK
        self.played = Timeline()
        self.is_speaking = True

    def take(self, stance: Stance) -> None:
        self.stance = stance


class Ward:
    """An agent with a caller, and a clock that follows the microphone."""

    def __init__(self) -> None:
        self.now_s, self.stops = 10.0, 0
        self.speech = Speech()
        self.ear = Overhearing(self.speech, stop=self._stop, patience=Patience(), clock=lambda: self.now_s)  # type: ignore[arg-type]
        self._dice = np.random.default_rng(3)

    def _stop(self) -> None:
        self.stops += 1

    def hears(self, audio: Float, *, probability: float = 0.0) -> None:
        for at in range(0, audio.size, STEP):
            frame = self._frame(audio[at : at + STEP])
            self.now_s += 0.01
            self.ear.frame(frame)
            self.ear.voice(
                vad.VADEvent(
                    type=vad.VADEventType.INFERENCE_DONE, samples_index=0, timestamp=0.0, speech_duration=0.0,
                    silence_duration=0.0, frames=[frame], probability=probability,
                )
            )  # fmt: skip

    def is_startled_by(self, amplitude: float) -> bool:
        """By a hundredth of a second of noise, of which nothing else was heard yet."""
        return self.ear.is_startling(self._frame(self.noise(0.01, amplitude=amplitude)))

    def noise(self, seconds: float, *, amplitude: float) -> Float:
        return self._dice.normal(0, amplitude, round(seconds * 100) * STEP).astype(np.float32)

    def _frame(self, audio: Float) -> rtc.AudioFrame:
        return rtc.AudioFrame(pcm_from_float(audio), RATE_HZ, 1, audio.size)

    def transcribes(self, text: str, kind: stt.SpeechEventType = stt.SpeechEventType.FINAL_TRANSCRIPT) -> bool:
        data = stt.SpeechData(language=LanguageCode("en"), text=text, confidence=0.9)
        return self.ear.transcript(stt.SpeechEvent(kind, alternatives=[data]))

    def transcribes_nothing(self) -> None:
        self.ear.transcript(stt.SpeechEvent(stt.SpeechEventType.RECOGNITION_USAGE))


@pytest.fixture
def ward() -> Iterator[Ward]:
    made = Ward()
    made.hears(made.noise(1.0, amplitude=0.0003))
    yield made


def test_a_cough_turns_the_agent_down_and_it_comes_back(ward: Ward) -> None:
    ward.hears(ward.noise(0.3, amplitude=0.1))
    assert ward.speech.stance is Stance.DUCK
    ward.hears(ward.noise(0.4, amplitude=0.0003))
    assert ward.speech.stance is Stance.SPEAK
    assert not ward.stops


def test_a_loud_hundredth_of_a_second_turns_the_agent_down_once(ward: Ward) -> None:
    assert not any(ward.is_startled_by(0.0003) for _ in range(100))
    assert ward.is_startled_by(0.1)
    ward.ear.startled()
    assert ward.speech.stance is Stance.DUCK
    assert not ward.is_startled_by(0.1)


def test_nothing_is_startling_while_the_agent_is_silent(ward: Ward) -> None:
    ward.speech.is_speaking = False
    assert not ward.is_startled_by(0.1)


def test_a_microphone_that_hears_the_agent_is_heard_out_first(ward: Ward) -> None:
    voice = ward.noise(1.2, amplitude=0.1)
    ward.speech.played.put(voice, rate_hz=RATE_HZ, at_s=ward.now_s)
    ward.hears(voice[:RATE_HZ] * np.float32(0.3))
    ward.ear.startled()
    assert ward.speech.stance is Stance.SPEAK


def test_a_word_that_is_made_of_a_cough_does_not_stop_it(ward: Ward) -> None:
    ward.hears(ward.noise(0.3, amplitude=0.1))
    assert not ward.transcribes("turn") and not ward.stops
    ward.hears(ward.noise(0.3, amplitude=0.1), probability=0.9)
    assert ward.transcribes("parking") and ward.stops == 1


def test_speech_silences_it_and_words_stop_it(ward: Ward) -> None:
    ward.hears(ward.noise(0.3, amplitude=0.1), probability=0.9)
    assert ward.speech.stance is Stance.HOLD and not ward.stops
    assert ward.transcribes("how much is parking", stt.SpeechEventType.INTERIM_TRANSCRIPT)
    assert ward.speech.stance is Stance.STOP and ward.stops == 1


def test_a_backchannel_is_kept_from_the_conversation_and_the_agent_goes_on(ward: Ward) -> None:
    ward.hears(ward.noise(0.4, amplitude=0.1), probability=0.9)
    ward.hears(ward.noise(0.1, amplitude=0.0003))
    assert not ward.transcribes("Mm-hm.")
    ward.transcribes_nothing()
    assert ward.speech.stance is Stance.SPEAK and not ward.stops


def test_it_does_not_go_on_while_the_caller_speaks_again(ward: Ward) -> None:
    ward.hears(ward.noise(0.4, amplitude=0.1), probability=0.9)
    ward.transcribes_nothing()
    assert ward.speech.stance is Stance.HOLD


def test_the_same_word_is_an_answer_when_the_agent_is_silent(ward: Ward) -> None:
    ward.speech.is_speaking = False
    assert ward.transcribes("Yeah.")
    assert not ward.stops


def test_its_own_voice_does_not_disturb_it(ward: Ward) -> None:
    voice = ward.noise(1.2, amplitude=0.1)
    ward.speech.played.put(voice, rate_hz=RATE_HZ, at_s=ward.now_s)
    ward.hears(ward.noise(0.15, amplitude=0.0003))
    ward.hears(voice[:RATE_HZ] * np.float32(0.3), probability=0.9)
    assert ward.speech.stance is Stance.SPEAK
    ward.ear.said("Breakfast is served from seven")
    assert not ward.transcribes("breakfast is served")
    ward.speech.is_speaking = False
    assert not ward.transcribes("breakfast is served from seven")
    assert ward.transcribes("how much is parking")
    ward.now_s += 5
    assert ward.transcribes("breakfast is served from seven")
    assert not ward.stops


def test_a_room_that_becomes_louder_is_soon_the_usual_one() -> None:
    sound, dice = Sound(), np.random.default_rng(1)
    for _ in range(600):
        sound.add(dice.normal(0, 0.02, STEP).astype(np.float32), rate_hz=RATE_HZ)
    assert sound.sound_s == 0.0


def test_a_loud_sound_is_known_by_its_first_hundredth_of_a_second() -> None:
    sound = Sound()
    for amplitude in (0.0003, 0.0003, 0.1):
        sound.add(np.full(STEP, amplitude, np.float32), rate_hz=RATE_HZ)
    assert sound.is_loud
    sound.add(np.full(STEP, 0.003, np.float32), rate_hz=RATE_HZ)
    assert not sound.is_loud and sound.sound_s > 0


def test_a_gap_within_a_sound_does_not_end_it() -> None:
    sound, loud, quiet = Sound(), np.full(STEP, 0.1, np.float32), np.zeros(STEP, np.float32)
    for frame in (quiet, loud, loud, quiet, quiet, loud):
        sound.add(frame, rate_hz=RATE_HZ)
    assert sound.sound_s == pytest.approx(0.03)
