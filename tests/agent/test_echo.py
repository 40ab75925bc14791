"""Telling the agent's own voice at the microphone from somebody else's."""

import numpy as np

from agent.caller.voice import speech
from agent.echo import RATE_HZ, Echo, Timeline
from plugins.audio import Float

MIC_HZ = 16_000
SAID = "breakfast is served from seven to ten in the garden room"
ASKED = "excuse me how much does parking cost"


def voice(text: str, *, name: str = "en-us+f2") -> Float:
    audio = speech(text, sample_rate_hz=MIC_HZ, voice=name)
    return audio[np.flatnonzero(np.abs(audio) > 0.02)[0] :]


def hearing(microphone: Float, *, played: Float) -> Echo:
    """The agent began to play, and the microphone to hear, at 10 s."""
    timeline = Timeline()
    timeline.put(until(played, 1.8), rate_hz=MIC_HZ, at_s=10.0)
    echo = Echo(timeline)
    echo.hear(microphone, rate_hz=MIC_HZ, at_s=10.0 + microphone.size / MIC_HZ)
    return echo


def late(audio: Float, *, delay_s: float, gain: float) -> Float:
    return np.concatenate([np.zeros(round(delay_s * MIC_HZ), np.float32), audio * np.float32(gain)])


def until(audio: Float, seconds: float) -> Float:
    return audio[: round(seconds * MIC_HZ)]


def test_the_agents_voice_is_recognised_quieter_and_later() -> None:
    played = voice(SAID)
    echo = hearing(until(late(played, delay_s=0.3, gain=0.1), 0.8), played=played)
    assert echo.explains(sound_s=0.5, at_s=10.8)
    assert echo.is_known


def test_somebody_else_is_not_the_agent() -> None:
    echo = hearing(until(late(voice(ASKED, name="en-us+m3"), delay_s=0.3, gain=1.0), 0.8), played=voice(SAID))
    assert not echo.explains(sound_s=0.5, at_s=10.8)
    assert not echo.is_known


def test_speech_over_an_echo_is_somebody_else_even_where_echo_is_known() -> None:
    played = voice(SAID)
    both = until(late(played, delay_s=0.3, gain=0.1), 1.6)
    asked = voice(ASKED, name="en-us+m3")[: both.size - round(1.0 * MIC_HZ)]
    both[-asked.size :] += asked
    echo = hearing(both, played=played)
    assert echo.explains(sound_s=0.5, at_s=10.9)
    assert not echo.explains(sound_s=0.25, at_s=11.6)


def test_a_moment_of_sound_is_too_little_to_tell() -> None:
    played = voice(SAID)
    assert not hearing(until(played, 0.5), played=played).explains(sound_s=0.03, at_s=10.5)


def test_silence_is_nobodys_echo() -> None:
    quiet = np.zeros(MIC_HZ, np.float32)
    assert not hearing(quiet, played=quiet).explains(sound_s=0.3, at_s=11.0)


def test_what_was_taken_back_was_never_played() -> None:
    timeline = Timeline()
    timeline.put(np.ones(MIC_HZ, np.float32), rate_hz=MIC_HZ, at_s=1.0)
    timeline.cut(1.5)
    assert timeline.before(2.0, 1.0).sum() == 0.5 * RATE_HZ


def test_the_timeline_keeps_silence_where_nothing_was_played() -> None:
    timeline = Timeline()
    timeline.put(np.ones(1600, np.float32), rate_hz=MIC_HZ, at_s=1.0)
    timeline.put(np.ones(1600, np.float32), rate_hz=MIC_HZ, at_s=1.5)
    assert timeline.before(1.6, 0.6).sum() == 0.2 * RATE_HZ
    timeline.put(np.ones(1600, np.float32), rate_hz=MIC_HZ, at_s=50.0)
    assert timeline.before(50.1, 1.0).sum() == 0.1 * RATE_HZ
