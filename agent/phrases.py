"""What the agent says without its models, in bad moments and to those who wait: rendered beforehand, in its own voice.

The first call that finds the engine well renders the phrases into `run/phrases`; later calls read them. Without a
rendering the caller hears two soft tones instead.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from livekit import rtc

from plugins.audio import Float, float_from_pcm, pcm_from_float, read_wav, resample, wav_bytes
from plugins.client import EngineClient, SpeechPiece

logger = logging.getLogger(__name__)

RATE_HZ = 24_000
"""What the room's audio output takes without resampling."""
FRAME = RATE_HZ // 50
TONES_HZ = (660.0, 520.0)
TONE_S = 0.18

ONE_MOMENT = "I am sorry, one moment please."
"""The turn is kept: it is answered as soon as the models are back."""
OUT_OF_ORDER = "I am sorry, something is wrong on my side. Please try again in a little while."
"""The models did not come back in time, or cannot answer at all."""
LINE_BROKE = "Sorry, the line broke for a moment. I am still here."
"""The call goes on in another process, with its history."""

ALL = (ONE_MOMENT, OUT_OF_ORDER, LINE_BROKE)
"""What may have to be said in a call."""
FOLDER = Path("run/phrases")
UNHURRIED_S = 5.0
"""How long the engine may take its time with a phrase: nobody waits for it."""


@dataclass(frozen=True)
class Phrases:
    """Audio for each phrase: mono float32 at 24 kHz."""

    audio: dict[str, Float]

    def opening(self, text: str) -> bool:
        """Whether `text` could become one of the phrases."""
        return any(phrase.startswith(text) for phrase in self.audio)

    async def frames(self, phrase: str) -> AsyncIterator[rtc.AudioFrame]:
        """The phrase in frames of 20 ms."""
        pcm = pcm_from_float(self.audio[phrase])
        for start in range(0, len(pcm), 2 * FRAME):
            piece = pcm[start : start + 2 * FRAME]
            yield rtc.AudioFrame(piece, RATE_HZ, 1, len(piece) // 2)


def cached(folder: Path, *, voice: Path, texts: Sequence[str] = ALL) -> Phrases:
    """What was rendered earlier for this voice; tones for the rest."""
    return Phrases({text: _read(_file(folder, voice, text)) for text in texts})


def missing(folder: Path, *, voice: Path, texts: Sequence[str] = ALL) -> list[str]:
    """What has not been rendered for this voice."""
    return [text for text in texts if not _file(folder, voice, text).is_file()]


async def render(engine: EngineClient, folder: Path, *, voice: Path, texts: Sequence[str] = ALL) -> None:
    """Have the engine speak what is missing, and keep the files. Raises `EngineError` or `OSError`."""
    for text in missing(folder, voice=voice, texts=texts):
        pieces = [piece async for piece in engine.speak(text, due_in_s=UNHURRIED_S)]
        await asyncio.to_thread(_write, _file(folder, voice, text), pieces)


def tones() -> Float:
    """Two soft falling tones: something is wrong, and nobody is gone."""
    seconds = np.arange(int(TONE_S * RATE_HZ)) / RATE_HZ
    envelope = np.sin(np.pi * seconds / TONE_S)
    return np.concatenate([0.15 * envelope * np.sin(2 * np.pi * hz * seconds) for hz in TONES_HZ]).astype(np.float32)


def _file(folder: Path, voice: Path, phrase: str) -> Path:
    stamp = voice.stat().st_mtime_ns if voice.exists() else 0
    digest = hashlib.sha256(f"{voice.resolve()}|{stamp}|{phrase}".encode()).hexdigest()[:16]
    return folder / f"{voice.stem}-{digest}.wav"


def _read(path: Path) -> Float:
    """The recording; tones without one. A damaged one is removed, so that it is rendered again."""
    if not path.is_file():
        return tones()
    try:
        audio = read_wav(path, sample_rate_hz=RATE_HZ)
    except (OSError, ValueError) as error:
        logger.warning("a phrase for bad moments cannot be read: %s", error)
        audio = np.zeros(0, np.float32)
    if audio.size:
        return audio
    with suppress(OSError):
        path.unlink()
    return tones()


def _write(path: Path, pieces: Sequence[SpeechPiece]) -> None:
    """Keep speech at the room's rate. The file is replaced in one step: other calls may be at it. Raises `OSError`."""
    audio = [resample(float_from_pcm(piece.pcm), from_hz=piece.sample_rate_hz, to_hz=RATE_HZ) for piece in pieces]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(wav_bytes(pcm_from_float(np.concatenate(audio)), sample_rate_hz=RATE_HZ))
            file.flush()
            os.fsync(file.fileno())  # else it may be there, and empty, after the power has failed
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
