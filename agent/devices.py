"""Where each model runs."""

from dataclasses import dataclass
from typing import Literal

from agent.settings import EngineSettings, SettingsError

Device = Literal["cpu", "cuda", "metal"]

WITHOUT_METAL = ("whisper", "voice")
"""CTranslate2 has no Metal, and Piper's graphs change their shape with every clause."""


@dataclass(frozen=True)
class Devices:
    """A device for each model."""

    whisper: Device
    llama: Device
    voice: Device
    embedder: Device


def place(engine: EngineSettings) -> Devices:
    """Every model on the device of the settings, but for those that stay on the processor.

    Raises `SettingsError` for a name that is no model's.
    """
    models = tuple(Devices.__dataclass_fields__)
    kept = [name.strip() for name in engine.cpu_only.split(",") if name.strip()]
    if strangers := [name for name in kept if name not in models]:
        raise SettingsError(f"ENGINE_CPU_ONLY: {', '.join(strangers)} is no model; {', '.join(models)} are")
    without = (*kept, *(WITHOUT_METAL if engine.device == "metal" else ()))
    devices: dict[str, Device] = {name: "cpu" if name in without else engine.device for name in models}
    return Devices(**devices)
