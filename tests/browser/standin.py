"""A stand-in for the agent's side: real LiveKit, the real door, and a scripted agent that follows the room protocol.

It shows every state of the page in seconds and without a model, and can leave, stay away and misbehave on cue.
"""

import asyncio
import json
import math
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from livekit import api, rtc

from agent.livekit_server import command
from agent.settings import LiveKitSettings
from tests.system import free_ports
from web.config import WebConfig
from web.server import create_app

KEY, SECRET = "standin", "a-secret-of-the-stand-in-of-32-characters"
RATE_HZ = 16_000
FRAME_SAMPLES = 320
SPEECH_LEVEL = 0.02
PAUSE_FRAMES = 25
HEARD = ("What time", "What time is breakfast", "What time is breakfast?")
GREETING = "Hello, this is Heron House. How can I help?"
ANSWER = "Breakfast is served from seven until half past ten. On Sundays it goes on until noon."
LONG_ANSWER = "One. " * 200
SOURCES = [
    {
        "title": "Breakfast",
        "source": "breakfast.md",
        "place": "Weekdays",
        "score": 0.91,
        "text": "Breakfast is served in the garden room from seven until half past ten. On Sundays it goes on "
        "until noon, because nobody should hurry on a Sunday.",
    },
    {
        "title": "House rules",
        "source": "guests/house-rules.md",
        "place": "",
        "score": 0.58,
        "text": "The kitchen opens at half past six; early risers find coffee at the front desk.",
    },
]
TURN = {
    "end_of_turn_ms": 352.0,
    "transcript_ms": 176.0,
    "retrieval_ms": 14.0,
    "first_token_ms": 62.0,
    "first_clause_ms": 95.0,
    "first_audio_ms": 48.0,
    "ahead_ms": 140.0,
    "answered_ms": 431.0,
    "decode_ms": 41.0,
    "prefill_ms": 18.0,
    "sent_ms": 9.0,
    "speculation": "used",
    "thrown_away": 1,
}


class ScriptedAgent:
    """One participant of kind agent in one room."""

    def __init__(self, *, url: str, room: str) -> None:
        self.room = rtc.Room()
        self.typed: list[str] = []
        self._lines: set[str] = set()
        self._url = url
        self._name = room
        self._caller = ""
        self._turns = 0
        self._source = rtc.AudioSource(RATE_HZ, 1)
        self._interrupted = asyncio.Event()
        self._speaking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Join in the background, so that no room waits for another's caller."""
        self._start(self._join())

    async def _join(self) -> None:
        token = (
            api.AccessToken(KEY, SECRET)
            .with_identity("agent-standin")
            .with_kind("agent")
            .with_grants(api.VideoGrants(room_join=True, room=self._name, can_update_own_metadata=True, agent=True))
        )
        self.room.on("track_subscribed", self._on_track)
        self.room.register_text_stream_handler("lk.chat", self._on_chat)
        await self.room.connect(self._url, token.to_jwt())
        self.room.local_participant.register_rpc_method("landline.interrupt", self._on_interrupt)
        await self._set(**{"landline.models": "starter", "landline.mode": "quote", "lk.agent.state": "initializing"})
        track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
        publication = await self.room.local_participant.publish_track(track)
        await publication.wait_for_subscription()
        self._caller = next(iter(self.room.remote_participants))
        self._speaking = self._start(self._say(GREETING))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    async def _set(self, **attributes: str) -> None:
        await self.room.local_participant.set_attributes(attributes)

    def _start(self, running: object) -> asyncio.Task[None]:
        task = asyncio.ensure_future(running)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        self._start(self._listen(track))

    def _on_chat(self, reader: rtc.TextStreamReader, _identity: str) -> None:
        self._start(self._read(reader))

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        text = await reader.read_all()
        line = (reader.info.attributes or {})["landline.line"]
        await self._tell("landline.received", {"line": line})
        if line in self._lines:
            return
        self._lines.add(line)
        self.typed.append(text)
        await self._answer(text, door="text")

    async def _on_interrupt(self, _data: rtc.RpcInvocationData) -> str:
        self._interrupted.set()
        return ""

    async def _listen(self, track: rtc.Track) -> None:
        """Speech loud enough becomes the same three captions; half a second of quiet ends it."""
        loud, quiet, segment, told = 0, 0, 0, 0
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=20)
        async for event in stream:
            is_loud = _level(event.frame) > SPEECH_LEVEL
            loud, quiet = (loud + 1, 0) if is_loud else (loud, quiet + 1)
            if is_loud and loud == 10:
                self._interrupted.set()
            if loud > 10 and told < 2 and loud % 20 == 0:
                await self._caption(f"S{segment}", HEARD[told], final=False)
                told += 1
            if loud > 10 and quiet == PAUSE_FRAMES:
                await self._caption(f"S{segment}", HEARD[-1], final=True)
                loud, segment, told = 0, segment + 1, 0
                self._start(self._answer(HEARD[-1], door="voice"))

    async def _caption(self, segment: str, text: str, *, final: bool) -> None:
        writer = await self.room.local_participant.stream_text(
            topic="lk.transcription",
            attributes={"lk.segment_id": segment, "lk.transcription_final": "true" if final else "false"},
            sender_identity=self._caller,
        )
        await writer.write(text)
        await writer.aclose()

    async def _answer(self, question: str, *, door: str) -> None:
        if self._speaking and not self._speaking.done():
            self._interrupted.set()
            await self._speaking
        self._turns += 1
        turn = f"T{self._turns}"
        await self._set(**{"lk.agent.state": "thinking"})
        await asyncio.sleep(0.6)
        caller = self.room.remote_participants.get(self._caller)
        documents = caller is not None and caller.attributes.get("landline.documents") == "on"
        text = LONG_ANSWER if "long" in question else ANSWER
        if documents:
            await self._tell("landline.sources", {"turn": turn, "answer": text, "sources": SOURCES})
        self._speaking = self._start(self._say(text))
        with suppress(asyncio.CancelledError):
            await self._speaking
        cut = self._interrupted.is_set()
        await self._tell("landline.turn", {"turn": turn, "door": door, **TURN, "interrupted": cut})

    async def _tell(self, topic: str, content: object) -> None:
        await self.room.local_participant.send_text(json.dumps(content), topic=topic)

    async def _say(self, text: str) -> None:
        """Word by word, with a tone as voice, until done or interrupted."""
        self._interrupted.clear()
        await self._set(**{"lk.agent.state": "speaking"})
        attributes = {"lk.segment_id": f"SG{id(text)}-{self._turns}", "lk.transcription_final": "false"}
        writer = await self.room.local_participant.stream_text(topic="lk.transcription", attributes=attributes)
        for number, word in enumerate(text.split()):
            if self._interrupted.is_set():
                self._source.clear_queue()
                break
            await writer.write(f"{' ' if number else ''}{word}")
            await self._hum(frames=8, start=number * 8)
        await writer.aclose(attributes={"lk.transcription_final": "true"})
        await self._set(**{"lk.agent.state": "listening"})

    async def _hum(self, *, frames: int, start: int) -> None:
        for frame in range(start, start + frames):
            samples = [
                int(9000 * math.sin(0.13 * (frame * FRAME_SAMPLES + i)) * math.sin(math.pi * (i / FRAME_SAMPLES)) ** 2)
                for i in range(FRAME_SAMPLES)
            ]
            data = struct.pack(f"<{FRAME_SAMPLES}h", *samples)
            await self._source.capture_frame(rtc.AudioFrame(data, RATE_HZ, 1, FRAME_SAMPLES))


def _level(frame: rtc.AudioFrame) -> float:
    samples = frame.data
    return math.sqrt(sum(sample * sample for sample in samples) / max(1, len(samples))) / 32768


@dataclass
class StandIn:
    """The running stand-in; `is_away` keeps the agent out of new rooms."""

    folder: Path
    livekit: LiveKitSettings
    base_url: str
    is_away: bool = False
    agents: dict[str, ScriptedAgent] = field(default_factory=dict[str, ScriptedAgent])
    _server: asyncio.subprocess.Process | None = None

    @property
    def livekit_url(self) -> str:
        return f"ws://127.0.0.1:{self.livekit.port}"

    async def start_livekit(self) -> None:
        """Run livekit-server and wait until it answers."""
        server = command(self.livekit, folder=self.folder)
        with (self.folder / "livekit.log").open("a") as log:
            self._server = await asyncio.create_subprocess_exec(
                *server.arguments, env=dict(server.environment), stdout=log, stderr=log
            )
        async with aiohttp.ClientSession() as http:
            while not await _answers(http, self.livekit_url.replace("ws", "http", 1)):
                await asyncio.sleep(0.05)

    async def kill_livekit(self) -> None:
        """As a crash would."""
        if self._server:
            self._server.kill()
            await self._server.wait()

    async def attend(self) -> None:
        """Send the agent into every room that has a caller and no agent."""
        async with api.LiveKitAPI(self.livekit_url, KEY, SECRET) as livekit:
            while True:
                await self._attend_once(livekit)
                await asyncio.sleep(0.1)

    async def dismiss(self) -> None:
        """Every agent leaves its room, as when a worker dies."""
        agents, self.agents = list(self.agents.values()), {}
        for agent in agents:
            await agent.leave()

    async def _attend_once(self, livekit: api.LiveKitAPI) -> None:
        with suppress(aiohttp.ClientError, api.ServerError):
            rooms = {room.name for room in (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms}
            for name in set(self.agents) - rooms:
                await self.agents.pop(name).leave()
            for name in () if self.is_away else rooms - set(self.agents):
                self.agents[name] = ScriptedAgent(url=self.livekit_url, room=name)
                self.agents[name].begin()


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    with suppress(aiohttp.ClientError):
        async with http.get(url) as response:
            return response.status == 200
    return False


@asynccontextmanager
async def standing_in(folder: Path, *, max_calls: int = 8, max_waiting: int = 20) -> AsyncGenerator[StandIn]:
    """A stand-in system on ports of its own until the block ends."""
    livekit, _, _, port = free_ports(4)
    settings = LiveKitSettings(port=livekit, api_key=KEY, api_secret=SECRET)  # type: ignore[arg-type]
    system = StandIn(folder, settings, f"http://127.0.0.1:{port}")
    await system.start_livekit()
    runner = web.AppRunner(create_app(_door(system, max_calls=max_calls, max_waiting=max_waiting)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    attending = asyncio.create_task(system.attend())
    try:
        yield system
    finally:
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)
        await system.dismiss()
        await runner.cleanup()
        await system.kill_livekit()


def _door(system: StandIn, *, max_calls: int, max_waiting: int) -> WebConfig:
    async def starter() -> str:
        return "starter"

    return WebConfig(
        host="127.0.0.1",
        port=0,
        livekit_url=system.livekit_url,
        api_key=KEY,
        api_secret=SECRET,
        agent_name="nobody",
        max_calls=max_calls,
        max_waiting=max_waiting,
        models_tier=starter,
        sessions_per_minute=1000,
    )
