"""A call as a file: caller left, agent right, as it was heard, in Opus. Only where the settings want it."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc

from agent.conversations.recordings import Recordings
from plugins.audio import Float, float_from_pcm, pcm_from_float, resample

logger = logging.getLogger(__name__)

RATE_HZ = 24_000
"""The agent's own; Opus takes it as it is."""
BIT_RATE = 32_000
PRIVATE = 0o600
WRITE_EVERY_S = 1.0
SETTLED_S = 1.0
"""What is this long ago is not cut or replaced any more."""
UNEVEN_S = 0.1
"""By how much a piece may come earlier or later than the one before it was over."""


class Lane:
    """One side of a call: sound placed by the time at which it is heard, silence between."""

    def __init__(self, rate_hz: int, *, began_at_s: float) -> None:
        self._rate_hz = rate_hz
        self._began_at_s = began_at_s
        self._taken = 0
        self._samples: Float = np.zeros(0, np.float32)
        self._has_ended = False

    def put(self, audio: Float, *, rate_hz: int, at_s: float) -> None:
        """`audio` is heard from `at_s` on; pieces join even if they come unevenly."""
        if self._has_ended:
            return
        audio = resample(audio, from_hz=rate_hz, to_hz=self._rate_hz)
        place, end = self._place(at_s), self._samples.size
        if abs(place - end) < UNEVEN_S * self._rate_hz:
            place = end
        audio = audio[max(0, -place) :]
        self._fit(max(0, place))
        self._samples = np.concatenate([self._samples, audio])

    def cut(self, at_s: float) -> None:
        """Nothing more is heard from `at_s` on."""
        self._samples = self._samples[: max(0, self._place(at_s))]

    def end(self) -> None:
        """Let go of what is here, and take no more: nobody will."""
        self._has_ended = True
        self._samples = np.zeros(0, np.float32)

    def take(self, until_s: float) -> Float:
        """What was heard since the last time."""
        taken = max(0, self._place(until_s))
        sound, rest = self._samples[:taken], self._samples[taken:]
        self._samples, self._taken = rest, self._taken + taken
        return np.pad(sound, (0, taken - sound.size))

    def _place(self, at_s: float) -> int:
        return round((at_s - self._began_at_s) * self._rate_hz) - self._taken

    def _fit(self, size: int) -> None:
        """Cut off, or fill up with silence."""
        kept = self._samples[:size]
        self._samples = np.pad(kept, (0, size - kept.size))


class OpusFile:
    """A stereo Ogg Opus file for the machine's owner alone. It can be played however it ends. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        import av  # 0.3 s, and only recorded calls need it

        self._av: Any = av
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb", buffering=0)
        self._container: Any = av.open(self._file, "w", format="ogg", options={"flush_packets": "1"})
        self._stream: Any = self._container.add_stream("libopus", rate=RATE_HZ, layout="stereo", bit_rate=BIT_RATE)
        self._written = 0

    def write(self, left: Float, right: Float) -> None:
        """Append what both sides heard."""
        pcm = np.frombuffer(pcm_from_float(np.stack([left, right], axis=1).reshape(-1)), dtype="<i2")
        frame = self._av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE_HZ, self._written
        self._written += left.size
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left."""
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        finally:
            self._file.close()


class Recording:
    """Records into `path` until it is closed; a disk that is full ends the recording, not the call."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        began_at_s = clock()  # one for both: they are as long as each other
        self._caller = Lane(RATE_HZ, began_at_s=began_at_s)
        self.agent = Lane(RATE_HZ, began_at_s=began_at_s)
        """To be told what the agent is heard to say."""
        self._writing = asyncio.create_task(self._write_all())
        self._closing = asyncio.Event()

    def hear(self, frame: rtc.AudioFrame) -> None:
        """A frame of the caller's microphone has just arrived."""
        at_s = self._clock() - frame.duration
        self._caller.put(float_from_pcm(bytes(frame.data)), rate_hz=frame.sample_rate, at_s=at_s)

    async def aclose(self) -> None:
        """The call is over."""
        self._closing.set()
        await self._writing

    async def _write_all(self) -> None:
        try:
            file = await asyncio.to_thread(OpusFile, self._path)
            try:
                while not await self._is_closing():
                    await self._write(file, until_s=self._clock() - SETTLED_S)
                await self._write(file, until_s=self._clock())
            finally:
                await asyncio.to_thread(file.close)
        except OSError as error:
            logger.error("the call is recorded no further: %s", error.strerror)
        finally:
            self._caller.end()
            self.agent.end()

    async def _is_closing(self) -> bool:
        """After a while, or at once."""
        try:
            async with asyncio.timeout(WRITE_EVERY_S):
                return await self._closing.wait()
        except TimeoutError:
            return False

    async def _write(self, file: OpusFile, *, until_s: float) -> None:
        left, right = self._caller.take(until_s), self.agent.take(until_s)
        if left.size:
            await asyncio.to_thread(file.write, left, right)


async def begin_recording(recordings: Recordings, conversation_id: str) -> Recording | None:
    """Record a call from now on; a folder that cannot be written to is no reason to refuse the call."""
    try:
        return Recording(await asyncio.to_thread(recordings.new_file, conversation_id))
    except OSError as error:
        logger.error("the call is not recorded: %s", error.strerror)
        return None
