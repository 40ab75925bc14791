"""Speech out: PCM as it is made, in the format that the client asked for, each piece at once. Blocks briefly."""

import io
import struct
from typing import Literal, Protocol, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

Format = Literal["mp3", "opus", "wav", "pcm"]

PCM_RATE_HZ = 24_000
"""What OpenAI's clients take raw samples to be."""
CONTENT_TYPES: dict[Format, str] = {"mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav", "pcm": "audio/pcm"}
UNKNOWN_LENGTH = 0xFFFFFFFF


class Encoder(Protocol):
    """16-bit mono PCM in, bytes of a file out."""

    def add(self, pcm: bytes) -> bytes: ...

    def end(self) -> bytes: ...


def encoder(kind: Format, *, rate_hz: int) -> Encoder:
    """An encoder for speech at `rate_hz`."""
    match kind:
        case "wav":
            return _Wav(rate_hz)
        case "pcm":
            return _Pcm(rate_hz)
        case "opus":
            pages = {"page_duration": "100000", "flush_packets": "1"}
            return _Coded("ogg", "libopus", rate_hz=rate_hz, coded_hz=48_000, options=pages)
        case "mp3":
            return _Coded("mp3", "libmp3lame", rate_hz=rate_hz, coded_hz=PCM_RATE_HZ, options={"write_xing": "0"})


class _Wav:
    """The header says that the length is not known yet, which players take."""

    def __init__(self, rate_hz: int) -> None:
        shape = struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
        length = struct.pack("<I", UNKNOWN_LENGTH)
        self._head = b"RIFF" + length + b"WAVEfmt " + shape + b"data" + length

    def add(self, pcm: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + pcm

    def end(self) -> bytes:
        return self._head


class _Pcm:
    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = AudioResampler(format="s16", layout="mono", rate=PCM_RATE_HZ)

    def add(self, pcm: bytes) -> bytes:
        return self._resampled(_frame(pcm, self._rate_hz)) if pcm else b""

    def end(self) -> bytes:
        return self._resampled(None)

    def _resampled(self, frame: AudioFrame | None) -> bytes:
        return b"".join(out.to_ndarray().tobytes() for out in self._resampler.resample(frame))


class _Sink(io.RawIOBase):
    """Where FFmpeg writes; it cannot go back in what is already sent."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # FFmpeg gives bytes alone
        self._written += data
        return len(data)

    def take(self) -> bytes:
        written, self._written = bytes(self._written), bytearray()
        return written


class _Coded:
    def __init__(self, container: str, codec: str, *, rate_hz: int, coded_hz: int, options: dict[str, str]) -> None:
        self._rate_hz = rate_hz
        self._sink = _Sink()
        self._file: OutputContainer = av.open(self._sink, "w", format=container, options=options)
        self._stream = cast(AudioStream, self._file.add_stream(codec, rate=coded_hz, layout="mono"))
        coder = self._stream.codec_context
        coder.open()
        self._resampler = AudioResampler(
            format=coder.format.name, layout="mono", rate=coded_hz, frame_size=coder.frame_size
        )

    def add(self, pcm: bytes) -> bytes:
        return self._coded(_frame(pcm, self._rate_hz)) if pcm else b""

    def end(self) -> bytes:
        self._coded_frames(None)
        self._file.mux(self._stream.encode(None))
        self._file.close()
        return self._sink.take()

    def _coded(self, frame: AudioFrame) -> bytes:
        self._coded_frames(frame)
        return self._sink.take()

    def _coded_frames(self, frame: AudioFrame | None) -> None:
        for resampled in self._resampler.resample(frame):
            self._file.mux(self._stream.encode(resampled))


def _frame(pcm: bytes, rate_hz: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate_hz
    return frame
