"""The caller's audio: a mouth that sends frames in real time, and an ear that stamps what it hears.

All times are the event loop's clock, in seconds.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from livekit import rtc

from agent.caller.loudness import first_audible, last_audible, level_db
from plugins.audio import Float, float_from_pcm, pcm_from_float

RATE_HZ = 48_000
FRAME_MS = 10
FRAME = RATE_HZ * FRAME_MS // 1000
HEARD_MS = 20
"""Sound is stamped by the sample, however long the frames are that it comes in; fewer cost less."""
LEVEL = RATE_HZ * 5 // 1000
"""Samples of which one loudness is told: short beside what is timed with it, and not so short that a vowel's own beat
shows."""
ROOM_NOISE = 3 / 32768
"""Amplitude of what a quiet room sends: never digital silence, never audible."""

Listener = Callable[[Float, float], None]
"""Told every frame and the time at which it began."""


class Leak:
    """A loudspeaker that the microphone hears: what the ear takes in comes back quieter and later."""

    def __init__(self, *, gain: float, delay_s: float) -> None:
        self._gain = gain
        self._audio: Float = np.zeros(round(delay_s * RATE_HZ), np.float32)

    def hear(self, frame: Float) -> None:
        """Take in a frame of the agent."""
        self._audio = np.concatenate([self._audio, frame * np.float32(self._gain)])

    def next(self) -> Float:
        """The next frame at the microphone, or as much as there is."""
        frame, self._audio = self._audio[:FRAME], self._audio[FRAME:]
        return frame


class Mouth:
    """Sends a frame every 10 ms, from the speech given to it or else a quiet room's noise, and what `leak` gives."""

    def __init__(self, source: rtc.AudioSource, *, listener: Listener | None = None) -> None:
        self._source = source
        self._listener = listener
        self._pending: Float = np.zeros(0, np.float32)
        self._spoken = asyncio.Event()
        self.first_audible_at_s: float | None = None
        """When the first audible sample of the latest speech was sent."""
        self._last_audible_at_s = 0.0
        self.delays_s: list[float] = []
        """How late each frame was sent, oldest first."""
        self.leak: Leak | None = None
        self._noise = np.random.default_rng(seed=7)

    async def run(self) -> None:
        """Send frames until cancelled. A late frame is followed by the next at once, so the pace is kept."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            at_s = loop.time()
            self.delays_s.append(max(0.0, at_s - due_s))
            frame = self._next_frame(at_s=at_s)
            pcm = pcm_from_float(frame)
            await self._source.capture_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, FRAME))
            due_s += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    async def speak(self, audio: Float) -> float:
        """Say `audio` (48 kHz) and return when its last audible sample was sent."""
        self._spoken.clear()
        self._pending = audio
        self.first_audible_at_s = None
        await self._spoken.wait()
        return self._last_audible_at_s

    def hush(self) -> None:
        """Break off in mid-word."""
        self._pending = np.zeros(0, np.float32)
        self._spoken.set()

    def _next_frame(self, *, at_s: float) -> Float:
        frame = self._noise.uniform(-ROOM_NOISE, ROOM_NOISE, FRAME).astype(np.float32)
        if self._pending.size:
            speech, self._pending = self._pending[:FRAME], self._pending[FRAME:]
            frame[: speech.size] += speech
            if self.first_audible_at_s is None and (first := first_audible(speech)) is not None:
                self.first_audible_at_s = at_s + first / RATE_HZ
            if (last := last_audible(speech)) is not None:
                self._last_audible_at_s = at_s + last / RATE_HZ
            if not self._pending.size:
                self._spoken.set()
        if self.leak:
            echo = self.leak.next()
            frame[: echo.size] += echo
        if self._listener:
            self._listener(frame, at_s)
        return frame


@dataclass(frozen=True)
class Level:
    """How loud the `LEVEL` samples before `ended_at_s` were, in dB of full scale, and when they were last audible."""

    ended_at_s: float
    db: float
    audible_at_s: float | None


class Ear:
    """Hears the agent's track: when sound began, when it was last heard, and how loud it was all along."""

    def __init__(self, *, listener: Listener | None = None) -> None:
        self._listener = listener
        self._sounds: list[float] = []
        self.levels: list[Level] = []
        self._heard = asyncio.Event()
        self._heard_more = asyncio.Event()

    async def listen(self, track: rtc.Track) -> None:
        """Hear `track` until it ends."""
        loop = asyncio.get_running_loop()
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=HEARD_MS)
        try:
            async for event in stream:
                frame = float_from_pcm(bytes(event.frame.data))
                self.hear(frame, began_at_s=loop.time() - frame.size / RATE_HZ)
        finally:
            await stream.aclose()

    def hear(self, frame: Float, *, began_at_s: float) -> None:
        """Take in one frame that began at `began_at_s`."""
        if self._listener:
            self._listener(frame, began_at_s)
        for start in range(0, frame.size, LEVEL):
            self.levels.append(_level(frame[start : start + LEVEL], began_at_s=began_at_s + start / RATE_HZ))
        self._heard_more.set()
        if (first := first_audible(frame)) is not None:
            self._sounds.append(began_at_s + first / RATE_HZ)
            self._heard.set()

    def first_sound_after(self, moment_s: float) -> float | None:
        """When the agent was first heard after `moment_s`."""
        return next((sound for sound in self._sounds if sound > moment_s), None)

    @property
    def last_sound_s(self) -> float | None:
        """When the agent was last heard."""
        return self._sounds[-1] if self._sounds else None

    async def sound_after(self, moment_s: float) -> float:
        """Wait until the agent is heard after `moment_s`; returns when that was."""
        while (sound := self.first_sound_after(moment_s)) is None:
            self._heard.clear()
            await self._heard.wait()
        return sound

    async def louder_than(self, db: float) -> None:
        """Wait for a frame that is louder."""
        while True:
            self._heard_more.clear()
            await self._heard_more.wait()
            if self.levels[-1].db > db:
                return


def _level(audio: Float, *, began_at_s: float) -> Level:
    last = last_audible(audio)
    audible_at_s = None if last is None else began_at_s + last / RATE_HZ
    return Level(began_at_s + audio.size / RATE_HZ, level_db(audio), audible_at_s)


def microphone() -> tuple[rtc.AudioSource, rtc.LocalAudioTrack]:
    """A source to push frames into and the track to publish; nothing is queued on the way."""
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
    return source, rtc.LocalAudioTrack.create_audio_track("microphone", source)


def microphone_options() -> Any:
    """How the track is published: as a microphone, so that the agent listens to it."""
    return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
