"""The caller's mouth and ear."""

import asyncio
from typing import Any

import numpy as np
import pytest

from agent.caller.line import FRAME, LEVEL, RATE_HZ, ROOM_NOISE, Ear, Leak, Mouth
from plugins.audio import Float, float_from_pcm

FRAME_S = FRAME / RATE_HZ
LEVEL_S = LEVEL / RATE_HZ


class Microphone:
    """Takes frames instead of a room, and lets the test's clock run on."""

    def __init__(self) -> None:
        self.frames: list[Float] = []

    async def capture_frame(self, frame: Any) -> None:
        self.frames.append(float_from_pcm(bytes(frame.data)))


def tone(samples: int) -> Float:
    return np.full(samples, 0.5, np.float32)


@pytest.fixture
def microphone() -> Microphone:
    return Microphone()


async def spoken(mouth: Mouth, audio: Float) -> float:
    running = asyncio.create_task(mouth.run())
    moment = await mouth.speak(audio)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return moment


async def test_speech_leaves_in_frames_of_ten_milliseconds(microphone: Microphone) -> None:
    mouth = Mouth(microphone)  # type: ignore[arg-type]
    await spoken(mouth, tone(2 * FRAME + 7))
    loud = [frame for frame in microphone.frames if np.abs(frame).max() > 0.1]
    assert {frame.size for frame in microphone.frames} == {FRAME}
    assert sum(int((frame > 0.1).sum()) for frame in loud) == 2 * FRAME + 7


async def test_the_last_audible_sample_counts_not_the_silence_after_it(microphone: Microphone) -> None:
    sent: list[tuple[float, float]] = []
    mouth = Mouth(microphone, listener=lambda frame, at_s: sent.append((at_s, float(np.abs(frame).max()))))  # type: ignore[arg-type]
    moment = await spoken(mouth, np.concatenate([tone(FRAME), np.zeros(5 * FRAME, np.float32)]))
    [(loud_at_s, _)] = [one for one in sent if one[1] > 0.1]
    assert moment == pytest.approx(loud_at_s + (FRAME - 1) / RATE_HZ)


async def test_the_first_audible_sample_is_known_as_well(microphone: Microphone) -> None:
    sent: list[tuple[float, float]] = []
    mouth = Mouth(microphone, listener=lambda frame, at_s: sent.append((at_s, float(np.abs(frame).max()))))  # type: ignore[arg-type]
    await spoken(mouth, np.concatenate([np.zeros(2 * FRAME, np.float32), tone(FRAME)]))
    [(loud_at_s, _)] = [one for one in sent if one[1] > 0.1]
    assert mouth.first_audible_at_s == pytest.approx(loud_at_s)


async def test_a_loudspeaker_near_the_microphone_is_heard_later_and_quieter(microphone: Microphone) -> None:
    mouth = Mouth(microphone)  # type: ignore[arg-type]
    mouth.leak = Leak(gain=0.5, delay_s=2 * FRAME / RATE_HZ)
    mouth.leak.hear(tone(FRAME))
    await spoken(mouth, np.zeros(5 * FRAME, np.float32))
    loudness = [round(float(np.abs(frame).max()), 2) for frame in microphone.frames]
    assert loudness[:4] == [0.0, 0.0, 0.25, 0.0]


async def test_a_silent_caller_sends_a_quiet_rooms_noise(microphone: Microphone) -> None:
    mouth = Mouth(microphone)  # type: ignore[arg-type]
    await spoken(mouth, np.zeros(3 * FRAME, np.float32))
    everything = np.concatenate(microphone.frames)
    assert 0 < np.abs(everything).max() <= 2 * ROOM_NOISE


async def test_a_caller_can_break_off_in_mid_word(microphone: Microphone) -> None:
    mouth = Mouth(microphone)  # type: ignore[arg-type]
    speaking = asyncio.create_task(mouth.speak(tone(1000 * FRAME)))
    await asyncio.sleep(0)
    mouth.hush()
    await speaking
    await spoken(mouth, np.zeros(FRAME, np.float32))
    assert np.abs(np.concatenate(microphone.frames)).max() < 0.1


async def test_every_frame_has_its_delay(microphone: Microphone) -> None:
    mouth = Mouth(microphone)  # type: ignore[arg-type]
    await spoken(mouth, tone(3 * FRAME))
    assert len(mouth.delays_s) == len(microphone.frames)
    assert min(mouth.delays_s) >= 0


def test_the_ear_knows_when_sound_began_within_a_frame() -> None:
    ear = Ear()
    ear.hear(np.zeros(FRAME, np.float32), began_at_s=1.0)
    frame = np.zeros(FRAME, np.float32)
    frame[FRAME // 2 :] = 0.5
    ear.hear(frame, began_at_s=1.0 + FRAME_S)
    assert ear.first_sound_after(0.5) == pytest.approx(1.0 + 1.5 * FRAME_S)
    assert ear.last_sound_s == pytest.approx(1.0 + 1.5 * FRAME_S)


def test_the_ear_remembers_how_loud_it_was() -> None:
    ear = Ear()
    ear.hear(tone(LEVEL), began_at_s=1.0)
    ear.hear(np.zeros(LEVEL, np.float32), began_at_s=1.0 + LEVEL_S)
    loud, quiet = ear.levels
    assert loud.db == pytest.approx(-6, abs=0.1) and loud.audible_at_s == pytest.approx(1.0 + LEVEL_S, abs=0.001)
    assert quiet.db == pytest.approx(-120) and quiet.audible_at_s is None


def test_loudness_is_told_for_every_five_milliseconds() -> None:
    ear = Ear()
    ear.hear(np.concatenate([tone(LEVEL), np.zeros(FRAME, np.float32)]), began_at_s=1.0)
    assert [round(level.ended_at_s, 3) for level in ear.levels] == [1.005, 1.01, 1.015]
    assert [level.audible_at_s is not None for level in ear.levels] == [True, False, False]


async def test_waiting_for_a_loud_moment_ends_with_it() -> None:
    ear = Ear()
    waiting = asyncio.create_task(ear.louder_than(-20))
    for frame in (np.zeros(FRAME, np.float32), tone(FRAME)):
        await asyncio.sleep(0)
        assert not waiting.done()
        ear.hear(frame, began_at_s=1.0)
    await waiting


def test_sound_before_the_question_is_no_answer() -> None:
    ear = Ear()
    ear.hear(tone(FRAME), began_at_s=1.0)
    assert ear.first_sound_after(1.5) is None
    ear.hear(tone(FRAME), began_at_s=2.0)
    assert ear.first_sound_after(1.5) == 2.0


async def test_waiting_for_a_sound_ends_with_it() -> None:
    ear = Ear()
    waiting = asyncio.create_task(ear.sound_after(1.0))
    await asyncio.sleep(0)
    ear.hear(tone(FRAME), began_at_s=0.5)
    await asyncio.sleep(0)
    assert not waiting.done()
    ear.hear(tone(FRAME), began_at_s=3.0)
    assert await waiting == 3.0
