"""Speech as Opus packets, made before a call, and packets as sound again."""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from agent.caller.line import RATE_HZ, ROOM_NOISE
from agent.caller.loudness import first_audible, last_audible
from plugins.audio import Float, float_from_pcm, pcm_from_float

PACKET_MS = 20
PACKET_SAMPLES = RATE_HZ * PACKET_MS // 1000
BITS_PER_S = 32_000
"""What LiveKit's clients send speech with."""
TAIL_S = 0.3
"""Room noise after the last word, before nothing more is sent."""
NO_CHANGE = 0xFC
"""Of a packet's first byte: all but the number of frames in it. Alone it says that there is nothing new to hear."""


@dataclass(frozen=True)
class Question:
    """Something to say: a packet for every `PACKET_MS`, and where in it speech begins and ends."""

    packets: tuple[bytes, ...]
    first_audible_s: float
    last_audible_s: float


def encoded(audio: Float) -> Question:
    """Encode mono float32 speech at `RATE_HZ`, with a quiet room's noise under it."""
    noisy = np.append(audio, np.zeros(round(TAIL_S * RATE_HZ), np.float32))
    noisy += np.random.default_rng(seed=7).uniform(-ROOM_NOISE, ROOM_NOISE, noisy.size).astype(np.float32)
    first, last = first_audible(audio) or 0, last_audible(audio) or 0
    return Question(tuple(packets(noisy)), first / RATE_HZ, last / RATE_HZ)


def packets(audio: Float) -> list[bytes]:
    """Opus packets of mono float32 sound at `RATE_HZ`; the last is filled up with silence."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.bit_rate, encoder.sample_rate = BITS_PER_S, RATE_HZ
    encoder.format, encoder.layout = "s16", "mono"
    encoder.options = {"application": "voip", "frame_duration": str(PACKET_MS)}
    filled = np.append(audio, np.zeros(-audio.size % PACKET_SAMPLES, np.float32))
    found: list[bytes] = []
    for start in range(0, filled.size, PACKET_SAMPLES):
        pcm = np.frombuffer(pcm_from_float(filled[start : start + PACKET_SAMPLES]), np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, start
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return found + [bytes(packet) for packet in encoder.encode(None)]


def still(packet: bytes) -> bytes:
    """A packet that says "nothing new" to whoever heard `packet` last."""
    return bytes([packet[0] & NO_CHANGE])


class Decoder:
    """One stream of Opus packets as mono float32 at `RATE_HZ`."""

    def __init__(self) -> None:
        self._codec: Any = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate = RATE_HZ
        self._codec.format, self._codec.layout = "s16", "mono"

    def decode(self, packet: bytes) -> Float:
        """The sound of one packet; empty if there is none in it."""
        try:
            frames: list[Any] = self._codec.decode(av.Packet(packet))
        except FFmpegError:
            frames = []
        pieces = [float_from_pcm(frame.to_ndarray().tobytes()) for frame in frames]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
