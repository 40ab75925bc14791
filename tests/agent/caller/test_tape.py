"""Both sides of a call on one recording."""

import wave
from pathlib import Path

import numpy as np

from agent.caller.tape import Tape
from plugins.audio import Float

RATE_HZ = 1000


def sound(samples: int, level: float = 0.5) -> Float:
    return np.full(samples, level, np.float32)


def test_frames_follow_each_other() -> None:
    tape = Tape(sample_rate_hz=RATE_HZ, started_at_s=10.0)
    tape.add(0, sound(10), at_s=10.0)
    tape.add(0, sound(10), at_s=10.03)  # late by less than the tolerated jitter
    assert tape.side(0).size == 20


def test_a_pause_is_silence_of_its_length() -> None:
    tape = Tape(sample_rate_hz=RATE_HZ, started_at_s=10.0)
    tape.add(1, sound(10), at_s=11.0)
    assert tape.side(1).size == 1010
    assert not tape.side(1)[:1000].any()


def test_the_recording_has_the_caller_left_and_the_agent_right(tmp_path: Path) -> None:
    tape = Tape(sample_rate_hz=RATE_HZ, started_at_s=0.0)
    tape.add(0, sound(100, 0.5), at_s=0.0)
    tape.add(1, sound(50, -0.5), at_s=0.0)
    tape.save(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav"), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE_HZ, 100)
        samples = np.frombuffer(file.readframes(100), "<i2").reshape(-1, 2)
    assert (samples[:, 0] > 16_000).all()
    assert (samples[:50, 1] < -16_000).all()
    assert not samples[50:, 1].any()


def test_an_empty_call_can_be_saved(tmp_path: Path) -> None:
    Tape(sample_rate_hz=RATE_HZ, started_at_s=0.0).save(tmp_path / "call.wav")
    assert (tmp_path / "call.wav").stat().st_size == 44
