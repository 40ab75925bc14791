"""Voice activity detection for the session, without a second detector: hearing has one, and passes on what it says."""

import asyncio

from livekit import rtc
from livekit.agents import vad


class ToldVAD(vad.VAD):
    """Says what it is told by the detector that the call's speech-to-text listens with."""

    def __init__(self, detector: vad.VAD) -> None:
        super().__init__(capabilities=detector.capabilities)
        self._streams: set[_ToldStream] = set()

    def tell(self, event: vad.VADEvent) -> None:
        """The detector's next event."""
        for stream in self._streams:
            stream.tell(event)

    def stream(self) -> vad.VADStream:
        """Every event from now on."""
        stream = _ToldStream(self)
        self._streams.add(stream)
        return stream

    def forget(self, stream: "_ToldStream") -> None:
        """The stream has ended."""
        self._streams.discard(stream)


class _ToldStream(vad.VADStream):
    """Needs no audio."""

    def __init__(self, told: ToldVAD) -> None:
        self._ended = asyncio.Event()
        super().__init__(told)
        self._told = told

    def tell(self, event: vad.VADEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Heard already."""

    def flush(self) -> None:
        """The detector itself knows when speech is over."""

    def end_input(self) -> None:
        """No more events are wanted."""
        self._ended.set()

    async def _main_task(self) -> None:
        try:
            await self._ended.wait()
        finally:
            self._told.forget(self)
