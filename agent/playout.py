"""The agent's track: speech that can be turned down, held and taken up again within hundredths of a second.

LiveKit's own output loses what it has queued when it is held up. This one takes it back, so no word is lost, and
always knows how much of its speech was heard.
"""

import asyncio
import time
from typing import Protocol

from livekit import rtc
from livekit.agents.voice import io
from livekit.rtc.participant import PublishTrackError

from agent.barge_in import Stance
from agent.echo import Timeline
from agent.reel import STEP_S, Reel
from plugins.audio import Float, float_from_pcm

RATE_HZ = 24_000
LEAD_S = 0.2
"""Audio that waits in front of the wire, so that a busy moment of this process is not heard."""
PIECE_S = 0.1
"""Audio that is sent at a time, once there is some: each time costs half a millisecond of processor time."""
QUEUE_MS = 1000
"""More than ever waits: sending then never blocks."""
BITS_PER_S = 80_000
"""With fewer, Opus models speech, for twice the processor time: 3 % of a core in each call, silent or not."""
TURNED_DOWN = 0.16
"""Loudness (of 1) of an agent that is talked over: 16 dB less."""
DOWN_S = 0.002
UP_S = 0.15
"""Durations of becoming quiet and loud."""


class Source(Protocol):
    """What is asked of `rtc.AudioSource`."""

    @property
    def queued_duration(self) -> float: ...
    def clear_queue(self) -> None: ...
    async def capture_frame(self, frame: rtc.AudioFrame) -> None: ...
    async def aclose(self) -> None: ...


class Sound(Protocol):
    """Follows what is heard, and when."""

    def put(self, audio: Float, *, rate_hz: int, at_s: float) -> None: ...
    def cut(self, at_s: float) -> None: ...


class Playout(io.AudioOutput):
    """The audio output of a session, published in the call's room by `publish`."""

    def __init__(self, source: Source | None = None) -> None:
        super().__init__(
            label="Playout", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE_HZ
        )  # fmt: skip
        self.stance = Stance.SPEAK
        self.played = Timeline()
        self.followers: list[Sound] = [self.played]
        self._source = source or rtc.AudioSource(RATE_HZ, 1, queue_size_ms=QUEUE_MS)
        self._reel = Reel(RATE_HZ)
        self._is_audible = asyncio.Event()
        self._is_paused = False
        self._has_begun = False
        self._turned_down_at = 0
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._sending: asyncio.Task[None] | None = None

    async def publish(self, room: rtc.Room) -> None:
        """Publish the track, at a second try if need be; nothing is spoken before somebody listens to it.

        Raises `PublishTrackError`.
        """
        try:
            publication = await self._publish(room)
        except PublishTrackError:
            publication = await self._publish(room)
        await publication.wait_for_subscription()
        self.start()

    async def _publish(self, room: rtc.Room) -> rtc.LocalTrackPublication:
        assert isinstance(self._source, rtc.AudioSource)
        track = rtc.LocalAudioTrack.create_audio_track("agent", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        options.audio_encoding.max_bitrate = BITS_PER_S
        return await room.local_participant.publish_track(track, options)

    def start(self) -> None:
        """Somebody listens: speak."""
        self._sending = asyncio.create_task(self._send_all())
        self._is_audible.set()

    async def aclose(self) -> None:
        """Fall silent and leave."""
        if self._sending:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._source.aclose()

    @property
    def is_speaking(self) -> bool:
        """Whether a stretch of speech is under way, be it held."""
        return self._has_begun

    @property
    def position_s(self) -> float:
        """How much of the present stretch of speech was heard."""
        return self._heard / RATE_HZ

    @property
    def _heard(self) -> int:
        return max(0, self._reel.position - round(self._source.queued_duration * RATE_HZ))

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Append a frame to the stretch of speech; a new one begins when the last is over."""
        await self._is_audible.wait()
        while self._reel.is_complete:
            await self._idle.wait()
        await super().capture_frame(frame)
        self._idle.clear()
        self._reel.add(bytes(frame.data))
        self._changed.set()

    def flush(self) -> None:
        """The stretch of speech is complete."""
        super().flush()
        if self._reel.length:
            self._reel.is_complete = True
            self._changed.set()

    def clear_buffer(self) -> None:
        """Break off."""
        if self._reel.length:
            self._take_back()
            self._finish(interrupted=True)

    def pause(self) -> None:
        """Hold, for LiveKit's own reasons."""
        super().pause()
        if not self._is_paused:
            self._is_paused = True
            self._take_back()

    def resume(self) -> None:
        """Those reasons are over."""
        super().resume()
        self._is_paused = False
        self._changed.set()

    def take(self, stance: Stance) -> None:
        """Give way to the caller as told. After silence the speech begins again where it was turned down."""
        if not self.is_speaking or stance is self.stance:
            return
        before, self.stance = self.stance, stance
        self._take_back()
        match stance:
            case Stance.SPEAK:
                if before >= Stance.HOLD:
                    self._reel.rewind(self._turned_down_at)
                self._reel.fade(1.0, over_s=UP_S)
            case Stance.DUCK:
                self._turned_down_at = self._reel.position
                self._reel.fade(TURNED_DOWN, over_s=DOWN_S)
            case Stance.HOLD | Stance.STOP:
                if before is Stance.SPEAK:
                    self._turned_down_at = self._reel.position
        self._changed.set()

    def _take_back(self) -> None:
        """What waits in front of the wire has not been heard: it is ours again."""
        self._reel.take_back(round(self._source.queued_duration * RATE_HZ))
        self._source.clear_queue()
        for follower in self.followers:
            follower.cut(time.monotonic())

    @property
    def _can_send(self) -> bool:
        return self._reel.ready > 0 and not self._is_paused and self.stance < Stance.HOLD

    async def _send_all(self) -> None:
        """Keep the wire supplied, for as long as the call lasts."""
        while True:
            self._changed.clear()
            waiting_s = self._source.queued_duration
            if self._can_send and waiting_s < LEAD_S:
                await self._send(waiting_s)
                continue
            is_sent = self._reel.is_complete and self._reel.ready == 0
            if is_sent and waiting_s <= 0:
                self._finish(interrupted=False)
                continue
            await self._change(within_s=waiting_s if is_sent else waiting_s - LEAD_S if self._can_send else None)

    async def _change(self, *, within_s: float | None) -> None:
        try:
            async with asyncio.timeout(within_s if within_s is None else max(STEP_S, within_s)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _send(self, waiting_s: float) -> None:
        if not self._has_begun:
            self._has_begun = True
            self.on_playback_started(created_at=time.time())
        piece = self._reel.next(round(max(PIECE_S, LEAD_S - waiting_s) * RATE_HZ))
        pcm = piece.tobytes()
        for follower in self.followers:
            follower.put(float_from_pcm(pcm), rate_hz=RATE_HZ, at_s=time.monotonic() + waiting_s)
        await self._source.capture_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, piece.size))

    def _finish(self, *, interrupted: bool) -> None:
        """The stretch of speech is over; the next will be as loud as usual."""
        position_s = self.position_s
        self._reel = Reel(RATE_HZ)
        self._has_begun, self.stance = False, Stance.SPEAK
        self._idle.set()
        self._changed.set()
        self.on_playback_finished(playback_position=position_s, interrupted=interrupted)
