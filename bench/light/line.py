"""A light caller's audio: packets made beforehand go out in real time, packets that come in are stamped.

All times are the event loop's clock, in seconds.
"""

import asyncio
import math
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack

from agent.caller.line import RATE_HZ
from agent.caller.loudness import first_audible
from bench.light.opus import PACKET_MS, PACKET_SAMPLES, Decoder, Question, packets, still

PACKET_S = PACKET_MS / 1000
REMINDER_PACKETS = 20
"""Who has nothing to say sends a packet every 400 ms, like every phone and browser that does not send silence."""
TIME_BASE = Fraction(1, RATE_HZ)
EAR_DELAY_S = 0.065
"""What a real ear waits after a packet came: the jitter buffer of LiveKit's library, as measured beside it."""


class Microphone(MediaStreamTrack):
    """Sends each packet once the sound in it is over, as a microphone does, and nearly nothing between questions."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._clock = asyncio.get_running_loop().time
        self._started_at_s = self._clock()
        self._next = 0
        self._pending: list[bytes] = []
        self._asked = asyncio.Event()
        self._last = packets(np.zeros(PACKET_SAMPLES, np.float32))[0]
        self.delays_s: list[float] = []
        """How late each packet was sent, oldest first."""

    def speak(self, question: Question) -> float:
        """Say it from now on; returns when its last audible sample will have been spoken."""
        self._pending = list(reversed(question.packets))
        self._next = max(self._next, math.ceil((self._clock() - self._started_at_s) / PACKET_S))
        self._asked.set()
        return self._started_at_s + self._next * PACKET_S + question.last_audible_s

    async def recv(self) -> "av.Packet[Any]":
        """The next packet, when it is due."""
        if not self._pending:
            await self._idle()
        number, self._next = self._next, self._next + 1
        packet: av.Packet[Any] = av.Packet(self._next_payload())
        packet.pts, packet.time_base = number * PACKET_SAMPLES, TIME_BASE
        due_s = self._started_at_s + (number + 1) * PACKET_S
        await asyncio.sleep(due_s - self._clock())
        self.delays_s.append(max(0.0, self._clock() - due_s))
        return packet

    def _next_payload(self) -> bytes:
        if not self._pending:
            return still(self._last)
        self._last = self._pending.pop()
        return self._last

    async def _idle(self) -> None:
        """Until a question is asked, or a reminder is due."""
        self._asked.clear()
        reminder = self._next + REMINDER_PACKETS - 1
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._started_at_s + reminder * PACKET_S):
                await self._asked.wait()
                return
        self._next = reminder


class PacketEar:
    """Hears the agent's packets: when it begins to speak, and when it was last heard."""

    def __init__(self) -> None:
        self.last_sound_s = 0.0
        self._after_s = math.inf
        self._decoder = Decoder()
        self._begun = asyncio.Event()
        self.began_s: float | None = None
        """When the agent was first heard after the moment that `listen` was told."""
        self.was_early = False
        """Whether it was heard before."""

    def listen(self, *, after_s: float) -> None:
        """Wait for sound after that moment."""
        self._after_s = after_s
        self.began_s, self.was_early = None, False
        self._begun.clear()

    async def sound(self) -> float:
        """Wait until it is heard; returns when that was."""
        await self._begun.wait()
        assert self.began_s is not None
        return self.began_s

    def hear(self, payload: bytes, *, at_s: float) -> None:
        """Take in a packet that came at `at_s`. Silence comes in packets too."""
        first = first_audible(self._decoder.decode(payload))
        if first is None:
            return
        heard_s = self.last_sound_s = at_s + EAR_DELAY_S + first / RATE_HZ
        if heard_s <= self._after_s:
            self.was_early = True
        elif self.began_s is None:
            self.began_s = heard_s
            self._begun.set()
