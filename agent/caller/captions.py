"""The text side of a call, as the room carries it: captions of both sides, sources, the agent's own stage times."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from livekit import rtc

CAPTIONS = "lk.transcription"
SOURCES = "landline.sources"
TURNS = "landline.turn"
RECEIVED = "landline.received"
SEGMENT = "lk.segment_id"


@dataclass
class Segment:
    """One stretch of captions by one side; `began_at_s` and `ended_at_s` on the event loop's clock."""

    speaker: str
    began_at_s: float
    text: str = ""
    ended_at_s: float | None = None


@dataclass
class Notes:
    """Everything written in the room so far, oldest first."""

    segments: list[Segment] = field(default_factory=list[Segment])
    sources: list[tuple[float, dict[str, Any]]] = field(default_factory=list[tuple[float, dict[str, Any]]])
    turns: list[tuple[float, dict[str, Any]]] = field(default_factory=list[tuple[float, dict[str, Any]]])
    received: list[tuple[float, dict[str, Any]]] = field(default_factory=list[tuple[float, dict[str, Any]]])
    """The agent's receipts of typed lines."""

    def said_by(self, speaker: str, *, since_s: float) -> list[Segment]:
        """Segments by one participant that began after `since_s`."""
        return [one for one in self.segments if one.speaker == speaker and one.began_at_s > since_s]


class Captions:
    """Collects the text streams of a room. Create it before the room is connected."""

    def __init__(self, room: rtc.Room) -> None:
        self.notes = Notes()
        self._changed = asyncio.Event()
        self._by_segment: dict[tuple[str, str], Segment] = {}
        self._readers: set[asyncio.Task[None]] = set()
        room.register_text_stream_handler(CAPTIONS, self._on_captions)
        self._keep(room, SOURCES, self.notes.sources)
        self._keep(room, TURNS, self.notes.turns)
        self._keep(room, RECEIVED, self.notes.received)

    def _keep(self, room: rtc.Room, topic: str, pages: list[tuple[float, dict[str, Any]]]) -> None:
        room.register_text_stream_handler(topic, lambda reader, _: self._read(self._note(reader, pages)))

    async def change(self) -> None:
        """Wait until something more is written."""
        self._changed.clear()
        await self._changed.wait()

    async def aclose(self) -> None:
        """Stop reading."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _on_captions(self, reader: rtc.TextStreamReader, speaker: str) -> None:
        self._read(self._caption(reader, speaker))

    def _read(self, reading: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(reading)
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _caption(self, reader: rtc.TextStreamReader, speaker: str) -> None:
        """One stream: the agent's grows piece by piece; the caller's is a whole transcript that replaces the last."""
        now = asyncio.get_running_loop().time
        attributes = dict(reader.info.attributes or {})
        segment = self._segment(speaker, attributes.get(SEGMENT, reader.info.stream_id), began_at_s=now())
        text = ""
        try:
            async for chunk in reader:
                text += chunk
                segment.text = text
                self._changed.set()
        except rtc.StreamError:
            pass  # the room closed in the middle of it; what came is kept
        segment.ended_at_s = now()
        self._changed.set()

    def _segment(self, speaker: str, name: str, *, began_at_s: float) -> Segment:
        if (speaker, name) not in self._by_segment:
            segment = self._by_segment[speaker, name] = Segment(speaker=speaker, began_at_s=began_at_s)
            self.notes.segments.append(segment)
        return self._by_segment[speaker, name]

    async def _note(self, reader: rtc.TextStreamReader, pages: list[tuple[float, dict[str, Any]]]) -> None:
        try:
            pages.append((asyncio.get_running_loop().time(), json.loads(await reader.read_all())))
        except rtc.StreamError:
            return
        self._changed.set()
