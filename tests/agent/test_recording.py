"""A call as a file: both sides as they were heard, at their time."""

import asyncio
import logging
import stat
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from livekit import rtc

from agent import recording as module
from agent.call import greeting
from agent.conversations.recordings import Recordings
from agent.conversations.turns import new_id
from agent.recording import RATE_HZ, Lane, OpusFile, Recording, begin_recording
from agent.settings import Settings
from plugins.audio import Float, pcm_from_float


def lane() -> Lane:
    return Lane(1000, began_at_s=10.0)


def ones(seconds: float) -> Float:
    return np.ones(round(1000 * seconds), np.float32)


def test_a_lane_is_silent_where_nothing_was_heard() -> None:
    side = lane()
    side.put(ones(0.5), rate_hz=1000, at_s=11.0)
    heard = side.take(12.0)
    assert heard.size == 2000 and heard.sum() == 500 and heard[1000:1500].all()
    assert not side.take(13.0).any()


def test_pieces_that_come_a_little_early_or_late_join() -> None:
    side = lane()
    for number, lateness_s in enumerate((0.0, 0.02, -0.01, 0.03)):
        side.put(ones(0.1), rate_hz=1000, at_s=10.5 + number / 10 + lateness_s)
    assert side.take(11.0)[500:900].all()


def test_what_was_cut_off_was_not_heard() -> None:
    side = lane()
    side.put(ones(1.0), rate_hz=1000, at_s=10.0)
    side.cut(10.4)
    assert side.take(11.0).sum() == 400


def test_what_comes_too_late_for_its_time_is_left_out() -> None:
    side = lane()
    assert side.take(11.0).size == 1000
    side.put(ones(0.5), rate_hz=1000, at_s=10.8)
    assert side.take(12.0).sum() == 300


def tone(hz: float, seconds: float) -> Float:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(RATE_HZ * seconds)) / RATE_HZ)).astype(np.float32)


def read(path: Path) -> Float:
    """[2, samples] of a recording at 48 kHz."""
    with av.open(str(path)) as file:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48_000)
        frames = [piece for frame in file.decode(audio=0) for piece in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def test_caller_is_left_and_agent_right(tmp_path: Path) -> None:
    file = OpusFile(tmp_path / "call.ogg")
    for _ in range(3):
        file.write(tone(440, 0.5), np.zeros(RATE_HZ // 2, np.float32))
        file.write(np.zeros(RATE_HZ // 2, np.float32), tone(880, 0.5))
    file.close()
    left, right = read(tmp_path / "call.ogg")
    assert abs(left.size / 48_000 - 3.0) < 0.05
    first_half, second_half = slice(4_800, 19_200), slice(28_800, 43_200)
    assert np.std(left[first_half]) > 10 * np.std(right[first_half])
    assert np.std(right[second_half]) > 10 * np.std(left[second_half])
    assert stat.S_IMODE((tmp_path / "call.ogg").stat().st_mode) == 0o600


def test_the_recording_of_a_process_that_died_can_be_played(tmp_path: Path) -> None:
    file = OpusFile(tmp_path / "call.ogg")
    for _ in range(4):
        file.write(tone(440, 1.0), tone(880, 1.0))
    (tmp_path / "left.ogg").write_bytes((tmp_path / "call.ogg").read_bytes())
    file.close()
    assert read(tmp_path / "left.ogg").shape[1] > 2 * 48_000


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY_S", 0.01)


class Clock:
    """Seconds that pass when the test says so, and a little whenever somebody looks."""

    now = 100.0

    def __call__(self) -> float:
        self.now += 0.0001
        return self.now


async def test_a_call_is_recorded_to_its_end(tmp_path: Path, in_a_hurry: None) -> None:
    clock, recordings, conversation = Clock(), Recordings(tmp_path), new_id()
    path = recordings.new_file(conversation)
    recording = Recording(path, clock=clock)
    recording.agent.put(tone(880, 0.5), rate_hz=RATE_HZ, at_s=102.0)
    clock.now = 101.02
    recording.hear(rtc.AudioFrame(pcm_from_float(tone(440, 0.02)[::2]), RATE_HZ // 2, 1, 240))
    clock.now = 103.0
    await asyncio.sleep(0.05)
    await recording.aclose()
    left, right = read(path)
    assert abs(left.size / 48_000 - 3.0) < 0.05
    assert np.std(left[48_000:49_000]) > 0.05 and np.std(right[96_000:120_000]) > 0.2
    assert recordings.files(conversation) == [path]


async def test_a_full_disk_ends_the_recording_and_not_the_call(
    tmp_path: Path, in_a_hurry: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(OpusFile, "write", full)
    clock = Clock()
    recording = Recording(tmp_path / "call.ogg", clock=clock)
    clock.now += 5
    await asyncio.sleep(0.05)
    await recording.aclose()
    assert "recorded no further: No space left on device" in caplog.text


async def test_after_a_full_disk_nothing_of_the_call_is_collected(
    tmp_path: Path, in_a_hurry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(OpusFile, "write", full)
    clock = Clock()
    recording = Recording(tmp_path / "call.ogg", clock=clock)
    recording.agent.put(tone(880, 60.0), rate_hz=RATE_HZ, at_s=100.0)
    clock.now += 5
    await asyncio.sleep(0.05)
    for _ in range(10):
        clock.now += 0.02
        recording.hear(rtc.AudioFrame(pcm_from_float(tone(440, 0.02)), RATE_HZ, 1, 480))
        recording.agent.put(tone(880, 0.02), rate_hz=RATE_HZ, at_s=clock.now)
        recording.agent.cut(clock.now)
    assert not recording.agent.take(clock.now + 60).any()
    assert not recording._caller.take(clock.now + 60).any()  # pyright: ignore[reportPrivateUsage]  # it has no other reader
    await recording.aclose()


def test_a_lane_that_ended_takes_nothing_more() -> None:
    side = lane()
    side.put(ones(0.5), rate_hz=1000, at_s=10.0)
    side.end()
    side.put(ones(0.5), rate_hz=1000, at_s=10.0)
    assert side.take(11.0).sum() == 0


async def test_a_folder_that_cannot_be_written_to_ends_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.ERROR):
        assert await begin_recording(Recordings(tmp_path / "file"), new_id()) is None
    assert "the call is not recorded" in caplog.text


def test_nothing_is_recorded_unless_the_owner_wants_it_and_then_the_caller_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "recorded" not in greeting(Settings())
    monkeypatch.setenv("CONVERSATIONS_RECORD", "true")
    assert greeting(Settings()).startswith("This call is recorded.")
    monkeypatch.setenv("CONVERSATIONS_KEEP", "false")
    assert "recorded" not in greeting(Settings())
