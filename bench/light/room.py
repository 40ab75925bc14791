"""A participant without LiveKit's library: its signalling over a WebSocket, and two WebRTC connections by aiortc.

One connection sends the microphone's packets, the other receives the agent's and what the room is told as text.
Candidates are the machine's own addresses: nothing is asked of any other server.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket
from aiortc.sdp import candidate_from_sdp
from livekit.protocol.models import DataPacket, ParticipantInfo, TrackSource, TrackType
from livekit.protocol.rtc import (
    AddTrackRequest,
    LeaveRequest,
    Ping,
    SessionDescription,
    SignalRequest,
    SignalResponse,
    SignalTarget,
)

logger = logging.getLogger(__name__)

PROTOCOL = 15
PING_S = 5.0


class OnPacket(Protocol):
    """Told each Opus packet of the agent and the loop's time at which it came."""

    def __call__(self, payload: bytes, *, at_s: float) -> None: ...


OnParticipant = Callable[[ParticipantInfo], None]
OnText = Callable[[str, str], None]
"""Told the topic and the text of each complete text stream."""


class Room:
    """Join with `join`, leave with `aclose`."""

    def __init__(self, *, on_packet: OnPacket, on_participant: OnParticipant, on_text: OnText) -> None:
        self._on_packet, self._on_participant = on_packet, on_participant
        self._texts = Texts(on_text)
        here = RTCConfiguration(iceServers=[])
        self._publisher, self._subscriber = RTCPeerConnection(here), RTCPeerConnection(here)
        self._candidates: dict[RTCPeerConnection, list[str]] = {self._publisher: [], self._subscriber: []}
        self._subscriber.on("datachannel", self._on_channel)
        self._http = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, url: str, token: str, microphone: MediaStreamTrack) -> None:
        """Enter the room and publish `microphone`."""
        query = {"access_token": token, "auto_subscribe": "1", "protocol": str(PROTOCOL), "sdk": "python"}
        self._socket = await self._http.ws_connect(f"{url.rstrip('/')}/rtc", params=query)
        self._publisher.addTrack(microphone)
        self._keep(self._listen(self._socket))
        self._keep(self._ping())
        await self._send(
            SignalRequest(
                add_track=AddTrackRequest(
                    cid=microphone.id,
                    name="microphone",
                    type=TrackType.AUDIO,
                    source=TrackSource.MICROPHONE,
                    disable_red=True,
                )
            )
        )

    async def aclose(self) -> None:
        """Leave."""
        if self._socket and not self._socket.closed:
            await self._send(SignalRequest(leave=LeaveRequest()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._publisher.close(), self._subscriber.close())
        await self._http.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                await self._take(SignalResponse.FromString(message.data))

    async def _take(self, told: SignalResponse) -> None:
        match told.WhichOneof("message"):
            case "join":
                for participant in told.join.other_participants:
                    self._on_participant(participant)
            case "update":
                for participant in told.update.participants:
                    self._on_participant(participant)
            case "track_published":
                await self._publisher.setLocalDescription(await self._publisher.createOffer())
                await self._send(SignalRequest(offer=_told(self._publisher)))
            case "answer":
                await self._describe(self._publisher, told.answer)
            case "offer":
                await self._describe(self._subscriber, told.offer)
                self._tap()
                await self._subscriber.setLocalDescription(await self._subscriber.createAnswer())
                await self._send(SignalRequest(answer=_told(self._subscriber, number=told.offer.id)))
            case "trickle":
                is_ours = told.trickle.target == SignalTarget.PUBLISHER
                line = json.loads(told.trickle.candidateInit)["candidate"]
                await self._add(self._publisher if is_ours else self._subscriber, line)
            case _:
                pass

    async def _describe(self, connection: RTCPeerConnection, description: SessionDescription) -> None:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=description.sdp, type=description.type))
        for candidate in self._candidates[connection]:
            await self._add(connection, candidate)
        self._candidates[connection].clear()

    async def _add(self, connection: RTCPeerConnection, line: str) -> None:
        if not connection.remoteDescription:
            self._candidates[connection].append(line)
        elif " udp " in line.lower():
            candidate = candidate_from_sdp(line.removeprefix("candidate:"))
            candidate.sdpMLineIndex = 0  # everything shares one transport
            await connection.addIceCandidate(candidate)

    def _tap(self) -> None:
        """Take packets as they come: aiortc itself would keep four of them, and decode in a thread."""
        loop = asyncio.get_running_loop()

        async def take(packet: RtpPacket, arrival_time_ms: int) -> None:
            self._on_packet(packet.payload, at_s=loop.time())

        for receiver in self._subscriber.getReceivers():
            receiver._handle_rtp_packet = take  # pyright: ignore[reportPrivateUsage]

    def _on_channel(self, channel: RTCDataChannel) -> None:
        channel.on("message", self._texts.take)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await self._send(SignalRequest(ping_req=Ping()))

    async def _send(self, request: SignalRequest) -> None:
        assert self._socket
        await self._socket.send_bytes(request.SerializeToString())

    def _keep(self, running: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a caller's line broke", exc_info=error)


def _told(connection: RTCPeerConnection, *, number: int = 0) -> SessionDescription:
    return SessionDescription(type=connection.localDescription.type, sdp=connection.localDescription.sdp, id=number)


class Texts:
    """Puts text streams together."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._open: dict[str, tuple[str, list[bytes]]] = {}

    def take(self, message: bytes | str) -> None:
        """One message of a data channel."""
        if isinstance(message, str):
            return
        packet = DataPacket.FromString(message)
        match packet.WhichOneof("value"):
            case "stream_header":
                self._open[packet.stream_header.stream_id] = (packet.stream_header.topic, [])
            case "stream_chunk":
                if packet.stream_chunk.stream_id in self._open:
                    self._open[packet.stream_chunk.stream_id][1].append(packet.stream_chunk.content)
            case "stream_trailer":
                topic, pieces = self._open.pop(packet.stream_trailer.stream_id, ("", []))
                if topic:
                    self._on_text(topic, b"".join(pieces).decode())
            case _:
                pass
