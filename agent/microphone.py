"""The caller's audio on its way into the session: short frames for what must be quick, joined ones for the rest."""

from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import io

FRAME_MS = 10
"""What LiveKit is asked for: a sound turns the agent down that much later at most."""


class Microphone(io.AudioInput):
    """`source` with its frames joined in pairs, after `hear` was given each as it came.

    Every stage of the session costs processor time for each frame, however short it is.
    """

    def __init__(self, source: io.AudioInput, *, hear: Callable[[rtc.AudioFrame], None]) -> None:
        super().__init__(label="Microphone", source=source)
        self._hear = hear

    async def __anext__(self) -> rtc.AudioFrame:
        """The next pair. Raises `StopAsyncIteration` at the end."""
        return rtc.combine_audio_frames([await self._next(), await self._next()])

    async def _next(self) -> rtc.AudioFrame:
        frame = await super().__anext__()
        self._hear(frame)
        return frame
