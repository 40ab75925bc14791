"""An independent ear: pocketsphinx with its open US English language model, and word error rates.

Needs `apt-get install pocketsphinx pocketsphinx-en-us`.
"""

import os
import re
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MODEL = Path("/usr/share/pocketsphinx/model/en-us")
SAMPLE_RATE_HZ = 16_000
_MARGIN_SAMPLES = 4000
_ROOM_NOISE = 5.0
"""Faint noise under every recording: digital silence upsets the recogniser, espeak-ng's above all."""


def transcribe(recordings: Sequence[NDArray[np.int16]], *, model: Path = MODEL) -> list[str]:
    """What the recogniser hears in each recording (mono, 16 kHz), on all cores.

    Raises `OSError` where pocketsphinx is missing.
    """
    jobs = os.cpu_count() or 1
    with ThreadPoolExecutor(jobs) as pool:
        shares = pool.map(lambda share: _transcribe_share(share, model), [recordings[job::jobs] for job in range(jobs)])
    texts = [""] * len(recordings)
    for job, share in enumerate(shares):
        texts[job::jobs] = share
    return texts


def _transcribe_share(recordings: Sequence[NDArray[np.int16]], model: Path) -> list[str]:
    if not recordings:
        return []
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{number:04}" for number in range(len(recordings))]
        for name, audio in zip(names, recordings, strict=True):
            write_wav(Path(folder, f"{name}.wav"), _in_a_room(audio))
        Path(folder, "names").write_text("".join(f"{name}\n" for name in names))
        subprocess.run(_command(Path(folder), model), check=True, capture_output=True)
        return [line.rpartition("(")[0].strip() for line in Path(folder, "heard").read_text().splitlines()]


def _in_a_room(audio: NDArray[np.int16]) -> NDArray[np.int16]:
    padded = np.pad(audio, _MARGIN_SAMPLES).astype(np.float64)
    noise = np.random.default_rng(0).normal(0, _ROOM_NOISE, len(padded))
    return np.clip(padded + noise, -32768, 32767).astype(np.int16)


def _command(folder: Path, model: Path) -> list[str]:
    options = {
        "adcin": "yes",
        "cepdir": folder,
        "cepext": ".wav",
        "ctl": folder / "names",
        "hyp": folder / "heard",
        "hmm": model / "en-us",
        "lm": model / "en-us.lm.bin",
        "dict": model / "cmudict-en-us.dict",
        "maxhmmpf": 3000,
        "fwdflat": "no",
        "logfn": "/dev/null",
    }
    return ["pocketsphinx_batch", *(part for name, value in options.items() for part in (f"-{name}", str(value)))]


def write_wav(path: Path, audio: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(audio.astype("<i2").tobytes())


def word_error_rate(references: Sequence[str], heard: Sequence[str]) -> float:
    """Wrong, missing and extra words over all words said."""
    pairs = [(_words(reference), _words(text)) for reference, text in zip(references, heard, strict=True)]
    return sum(word_errors(said, got) for said, got in pairs) / sum(len(said) for said, _ in pairs)


def _words(text: str) -> list[str]:
    return re.sub("[^a-z' ]", " ", text.lower()).split()


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(heard, start=1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1]
