"""The files of the standard shapes, made on first use and kept in `.cache/shapes`; delete that to have them anew."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.settings import ROOT

FOLDER = ROOT / ".cache" / "shapes"

Size = Literal["0.5b", "1.5b"]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Shapes:
    """Where the three models lie."""

    whisper: Path
    llama: Path
    voice: Path

    @property
    def environment(self) -> dict[str, str]:
        """The settings that choose them."""
        return {
            "MODELS_WHISPER": str(self.whisper),
            "MODELS_LLAMA": str(self.llama),
            "MODELS_VOICE": str(self.voice),
        }


def build(size: Size = "0.5b", *, folder: Path = FOLDER, tell: Tell = print) -> Shapes:
    """Make what is missing, telling what it is and how long it took: a few seconds each, 0.6 GB in all, 1.3 GB more
    for the larger language model.
    """
    whisper, llama, voice = folder / "whisper-base.en", folder / f"qwen2.5-{size}", folder / "piper-medium"
    _make(whisper, _write_whisper, tell)
    _make(llama, lambda place: _write_llama(place, size), tell)
    _make(voice, _write_voice, tell)
    return Shapes(whisper, llama / "model.gguf", voice / "voice.onnx")


def _make(folder: Path, write: Callable[[Path], None], tell: Tell) -> None:
    """Fill a folder, which appears whole or not at all."""
    if folder.exists():
        return
    begin = time.monotonic()
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    write(draft)
    draft.rename(folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    tell(f"made {folder.name} of random numbers: {size / 1e6:.0f} MB in {time.monotonic() - begin:.1f} s")


def _write_whisper(folder: Path) -> None:
    from bench.shapes.whisper import write_whisper

    write_whisper(folder)


def _write_llama(folder: Path, size: Size) -> None:
    from bench.shapes.llama import HALF_B, ONE_AND_A_HALF_B, write_llama

    write_llama(folder / "model.gguf", {"0.5b": HALF_B, "1.5b": ONE_AND_A_HALF_B}[size])


def _write_voice(folder: Path) -> None:
    from bench.shapes.voice import write_voice

    write_voice(folder / "voice.onnx")
