"""The whole machine with models of the standard shapes in it, and an engine that knows the callers' script."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from agent.caller.script import CallScript, Say, said
from agent.machine import parts
from agent.settings import Settings
from agent.supervisor import Part
from bench.shapes.build import Shapes
from bench.shapes.script import Script
from plugins.whisper.transcripts import SAMPLE_RATE_HZ

Mode = Literal["quote", "free"]

FOLDER = Path("run")
SCRIPT = FOLDER / "script.npz"


@dataclass(frozen=True)
class Stage:
    """The processes of a machine as the standard shapes need them."""

    shapes: Shapes
    mode: Mode = "quote"

    @property
    def environment(self) -> Mapping[str, str]:
        """What its processes have set differently."""
        return {**self.shapes.environment, "ANSWER_MODE": self.mode}

    def members(self, settings: Settings, script: CallScript) -> list[Part]:
        """The usual parts with these models, and an engine that expects `script`."""
        recordings_of(script).save(SCRIPT)
        engine = (sys.executable, "-m", "bench", "engine-of-shapes", str(SCRIPT))
        return [
            replace(
                part,
                arguments=engine if part.name == "engine" else part.arguments,
                environment={**part.environment, **self.environment},
            )
            for part in parts(settings, folder=FOLDER, log_format="text")
        ]


def recordings_of(script: CallScript) -> Script:
    """How the spoken turns of a call sound."""
    spoken: Sequence[Say] = [turn for turn in script.turns if isinstance(turn, Say)]
    return Script({said(turn): script.audio(turn, sample_rate_hz=SAMPLE_RATE_HZ) for turn in spoken})


async def serve(settings: Settings, stop: asyncio.Event, *, script: Path) -> None:
    """The engine, with a Whisper and a language model that follow the script."""
    from agent.engine import build_engine, run_engine
    from bench.shapes.answering import ScriptedLlama
    from bench.shapes.hearing import ScriptedWhisper

    whisper = partial(ScriptedWhisper, script=Script.load(script))
    await run_engine(settings, stop, engine=build_engine(settings, whisper=whisper, llama=ScriptedLlama))
