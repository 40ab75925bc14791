"""Recordings in: what a file is by its first bytes, its sound as PCM, and pieces that end where nobody speaks."""

import io
from collections.abc import Iterable, Iterator
from itertools import chain

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from numpy.typing import NDArray

from .errors import ApiError

Pcm = NDArray[np.int16]

RATE_HZ = 16_000
LOWEST_HZ, HIGHEST_HZ = 4_000, 192_000
"""Sample rates that are taken. The resampler's work and memory grow with the distance to ours, whatever the length."""
SHORTEST_CUT_S = 6.0
LONGEST_CUT_S = 15.0
"""Longer pieces would keep a caller's words waiting for Whisper."""
PAUSE_S = 0.2
KINDS = "wav, mp3, flac, ogg or webm"


def container_of(data: bytes) -> str:
    """FFmpeg's name for a file's format. Raises `ApiError`.

    Nothing but these five is ever opened: among the formats that FFmpeg would guess are lists of addresses to fetch.
    """
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:4] == b"OggS":
        return "ogg"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return "mp3"
    raise ApiError(f"file: this is no recording that can be read; send {KINDS}", param="file")


def decode(data: bytes, *, longest_s: float) -> Pcm:
    """A recording as mono at 16 kHz. Blocks. Raises `ApiError` for what is none, or lasts longer than `longest_s`."""
    container = container_of(data)
    try:
        pieces = list(_pieces(data, container, longest_s=longest_s))
    except (FFmpegError, ValueError, IndexError) as error:
        raise ApiError(f"file: this {container} file cannot be decoded", param="file") from error
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def _pieces(data: bytes, container: str, *, longest_s: float) -> Iterator[Pcm]:
    with av.open(io.BytesIO(data), "r", format=container) as file:
        stream = next((stream for stream in file.streams.audio if stream.codec_context), None)
        if stream is None:
            raise ValueError("no sound, or none that there is a decoder for")
        check_rate(stream.rate)
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        for frame in chain(within_limits(file.decode(stream), longest_s=longest_s), (None,)):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray().reshape(-1).astype(np.int16, copy=False)


def within_limits(frames: Iterable[AudioFrame], *, longest_s: float) -> Iterator[AudioFrame]:
    """The frames, each looked at before it is resampled: a header may say what is not so. Raises `ApiError`."""
    lasts_s = 0.0
    for frame in frames:
        check_rate(frame.sample_rate)
        lasts_s += frame.samples / frame.sample_rate
        if lasts_s > longest_s:
            raise ApiError(f"file: a recording may last {longest_s:.0f} s", status=413, code="too_long")
        yield frame


def check_rate(rate_hz: int) -> None:
    """Raises `ApiError` for a sample rate that no recording of speech has."""
    if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        message = f"file: a sample rate of {rate_hz} Hz is not taken; it may be {LOWEST_HZ} to {HIGHEST_HZ} Hz"
        raise ApiError(message, param="file")


def cut(pcm: Pcm) -> Iterator[Pcm]:
    """The recording in pieces of at most `LONGEST_CUT_S`, each ending in the quietest moment that there is."""
    longest, shortest = int(LONGEST_CUT_S * RATE_HZ), int(SHORTEST_CUT_S * RATE_HZ)
    while pcm.size > longest:
        end = shortest + _quietest(pcm[shortest:longest])
        yield pcm[:end]
        pcm = pcm[end:]
    yield pcm


def _quietest(pcm: Pcm) -> int:
    """The middle of the stretch of `PAUSE_S` with the least energy."""
    width = int(PAUSE_S * RATE_HZ)
    energy = np.cumsum(np.concatenate(([0.0], pcm.astype(np.float64) ** 2)))
    return int(np.argmin(energy[width:] - energy[:-width])) + width // 2
