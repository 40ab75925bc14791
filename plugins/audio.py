"""Audio as numbers: PCM bytes, float arrays, WAV files. Mono throughout."""

import io
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Int16 = NDArray[np.int16]


def float_from_pcm(pcm: bytes) -> Float:
    """16-bit little-endian PCM → float32 in [-1, 1)."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2).astype(np.float32) * np.float32(1 / 32768)


def pcm_from_float(audio: Float) -> bytes:
    """float32 in [-1, 1] → 16-bit little-endian PCM; louder samples are clipped."""
    return (np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def resample(audio: Float, *, from_hz: int, to_hz: int) -> Float:
    """Change the sample rate by linear interpolation after a box low-pass when going down: good enough for speech."""
    if from_hz == to_hz or audio.size == 0:
        return audio
    if from_hz > to_hz:
        width = max(1, round(from_hz / to_hz))
        audio = np.convolve(audio, np.full(width, 1.0 / width, np.float32), mode="same").astype(np.float32)
    length = round(audio.size * to_hz / from_hz)
    at = np.arange(length, dtype=np.float64) * (from_hz / to_hz)
    return np.interp(at, np.arange(audio.size), audio).astype(np.float32)


def wav_bytes(pcm: bytes, *, sample_rate_hz: int, channels: int = 1) -> bytes:
    """Wrap 16-bit PCM in a WAV container."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(pcm)
    return buffer.getvalue()


def read_wav(path: Path, *, sample_rate_hz: int) -> Float:
    """A 16-bit WAV file as mono float32 at `sample_rate_hz`. Raises `ValueError` naming the file if it is not one."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} is not a WAV file ({error})") from error
    if width != 2:
        raise ValueError(f"{path} has {8 * width}-bit samples; 16-bit PCM is needed (sox IN.wav -b 16 OUT.wav)")
    audio = float_from_pcm(pcm).reshape(-1, channels).mean(axis=1).astype(np.float32)
    return resample(audio, from_hz=rate, to_hz=sample_rate_hz)
