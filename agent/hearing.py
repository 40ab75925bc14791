"""The caller's microphone, as the session hears it: frames of 20 ms, of which each half is looked at when it comes.

LiveKit's own input takes every frame through four queues of the event loop, a third of a millisecond of processor time
each. Here the halves stay on the thread that brings them, where a look tells whether one would startle the agent; the
loop gets whole frames, and word of a startling half at once.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from livekit import rtc
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS
from livekit.agents.utils.aio import Chan
from livekit.agents.voice import io
from livekit.rtc._ffi_client import FfiClient  # pyright: ignore[reportPrivateUsage]  # the only way to a frame's thread

logger = logging.getLogger(__name__)

RATE_HZ = 16_000
HALF_MS = 10
CHANGES = ("track_subscribed", "track_unsubscribed", "track_unpublished", "participant_disconnected")
"""What happens in a room that may change which track is the caller's."""

Look = Callable[[rtc.AudioFrame], bool]
"""Whether half a frame is startling. Called on LiveKit's thread."""


class Hearing(io.AudioInput):
    """The audio input of a session: the microphone of the caller, who is the first in the room that is no agent.

    `is_startling` looks at each half of a frame; `startled` is called on the event loop for one that is.
    """

    def __init__(self, *, is_startling: Look, startled: Callable[[], None]) -> None:
        super().__init__(label="Hearing")
        self._is_startling = is_startling
        self._startled = startled
        self._frames = Chan[rtc.AudioFrame]()
        self._room: rtc.Room | None = None
        self._track: rtc.Track | None = None
        self._halves: Halves | None = None
        self._closing = set[asyncio.Task[None]]()

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.__anext__()

    def listen(self, room: rtc.Room) -> None:
        """Hear the caller in `room`, whichever track that is from now on."""
        self._room = room
        for change in CHANGES:
            room.on(change, self._look_round)
        self._look_round()

    async def aclose(self) -> None:
        """Hear nothing any more."""
        if self._room:
            for change in CHANGES:
                self._room.off(change, self._look_round)
        self._hear(None)
        await asyncio.gather(*self._closing, return_exceptions=True)
        self._frames.close()

    def _look_round(self, *_: object) -> None:
        track = microphone_of(caller_in(self._room)) if self._room else None
        if track is not self._track:
            self._hear(track)

    def _hear(self, track: rtc.Track | None) -> None:
        if self._halves:
            self._keep(self._halves.aclose())
        self._track = track
        self._halves = Halves(track, look=self._is_startling, told=self._startled, whole=self._whole) if track else None

    def _whole(self, frame: rtc.AudioFrame) -> None:
        if not self._frames.closed:
            self._frames.send_nowait(frame)

    def _keep(self, closing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def caller_in(room: rtc.Room) -> rtc.RemoteParticipant | None:
    """Who is answered: LiveKit links the same one to the session."""
    return next((one for one in room.remote_participants.values() if one.kind in DEFAULT_PARTICIPANT_KINDS), None)


def microphone_of(caller: rtc.RemoteParticipant | None) -> rtc.Track | None:
    """The track of the caller's microphone, once it can be heard."""
    microphone = rtc.TrackSource.SOURCE_MICROPHONE
    publications = caller.track_publications.values() if caller else ()
    return next((one.track for one in publications if one.track and one.source == microphone), None)


class Halves(rtc.AudioStream):
    """A track in frames of 10 ms, which `look` sees one by one; `whole` is called on the event loop with two at a time.

    `told` is called there at once when `look` says so. Everything that its base does with a frame is left out.
    """

    def __init__(
        self, track: rtc.Track, *, look: Look, told: Callable[[], None], whole: Callable[[rtc.AudioFrame], None]
    ) -> None:
        self._look, self._told, self._whole = look, told, whole
        self._first: rtc.AudioFrame | None = None
        super().__init__(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=HALF_MS)

    async def _run(self) -> None:
        """Until the track ends: events are taken on the thread that brings them, and only the last comes through."""
        events = FfiClient.instance.queue
        events.unsubscribe(self._ffi_queue)
        self._ffi_queue = events.subscribe(self._loop, filter_fn=self._is_end)
        while not (await self._ffi_queue.get()).audio_stream_event.HasField("eos"):
            logger.error("a piece of the caller's sound was lost")  # LiveKit passes on what `_is_end` failed on
        events.unsubscribe(self._ffi_queue)

    def _is_end(self, event: Any) -> bool:
        """Take the event if it is a frame of this track. Called on LiveKit's thread."""
        if event.WhichOneof("message") != "audio_stream_event":
            return False
        message = event.audio_stream_event
        if message.stream_handle != self._ffi_handle.handle:
            return False
        if message.HasField("frame_received"):
            self._take(rtc.AudioFrame._from_owned_info(message.frame_received.frame))  # pyright: ignore[reportPrivateUsage]
            return False
        return True

    def _take(self, half: rtc.AudioFrame) -> None:
        if self._look(half):
            self._loop.call_soon_threadsafe(self._told)
        first, self._first = self._first, half
        if first:
            self._first = None
            self._loop.call_soon_threadsafe(self._whole, joined(first, half))


def joined(first: rtc.AudioFrame, second: rtc.AudioFrame) -> rtc.AudioFrame:
    """One frame of two."""
    samples = first.samples_per_channel + second.samples_per_channel
    return rtc.AudioFrame(bytes(first.data) + bytes(second.data), first.sample_rate, first.num_channels, samples)
