"""Settings of the machine: its processes and models, what they write down, and LiveKit."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import SettingsConfigDict

from agent.settings.section import DEVELOPMENT_KEY, DEVELOPMENT_SECRET, STARTER, Section


class LiveKitSettings(Section):
    """The LiveKit server that carries the audio."""

    model_config = SettingsConfigDict(env_prefix="LIVEKIT_")

    url: str = ""
    """Address of an outside LiveKit server, such as wss://livekit.example.org. Empty: `landline up` runs its own."""
    api_key: str = DEVELOPMENT_KEY
    """API key that tokens are signed with. The default is refused outside loopback."""
    api_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    """API secret, 32 characters or more. The default is refused outside loopback."""
    port: int = Field(default=7880, ge=1, le=65533)
    """Port of our own LiveKit server. Media uses the two ports above it (TCP, UDP)."""
    bind: str = "127.0.0.1"
    """Address that our own LiveKit server listens on. 0.0.0.0 lets other machines in and needs keys of your own."""
    node_ip: str = ""
    """Address that browsers send their audio to, where LiveKit cannot find it out itself. Empty: `bind`."""
    binary: str = ""
    """Path of the livekit-server program. Empty: PATH, then the project's own .cache/bin."""
    public_url: str = ""
    """Address of LiveKit as browsers see it. Empty: made from the page's own host and the port above."""


class EngineSettings(Section):
    """The process that holds the models."""

    model_config = SettingsConfigDict(env_prefix="ENGINE_")

    url: str = "unix:run/engine.sock"
    """Where the engine listens and everybody finds it: unix:PATH or http://HOST:PORT."""
    cores: int = Field(default=0, ge=0)
    """Processor cores that all models together may use. 0: every core of the machine."""
    device: Literal["cpu", "cuda", "metal"] = "cpu"
    """Where the models run: the processor, an NVIDIA GPU, or an Apple GPU (the language model and the embedder)."""
    cpu_only: str = ""
    """Models that stay on the processor all the same: any of whisper, llama, voice, embedder, with commas between."""
    gpu_layers: int = Field(default=-1, ge=-1)
    """Layers of the language model on the GPU, where it runs on one. -1: all; fewer if its memory does not suffice."""
    target_ms: int = Field(default=1200, ge=0)
    """Heard latency in milliseconds beyond which no further call is let in. 0: the number of lines alone decides."""


class ModelSettings(Section):
    """Which models. The defaults are the starter models of the repository."""

    model_config = SettingsConfigDict(env_prefix="MODELS_")

    folder: Path = Path("models/standard")
    """Where `landline models pull` puts the standard models."""
    whisper: Path = STARTER / "whisper"
    """Folder of a Whisper model in CTranslate2's format."""
    whisper_beam: PositiveInt = 5
    """Hypotheses that Whisper keeps while it decodes a final transcript; 1 is fastest."""
    llama: Path = STARTER / "llama.gguf"
    """A chat model in GGUF."""
    voice: Path = STARTER / "voice.onnx"
    """A Piper voice; its .onnx.json lies beside it."""
    embedder: Path | None = None
    """Folder of a sentence-transformers model. Empty: the all-MiniLM-L6-v2 that is installed with the program."""
    language: str = "en"
    """Language that callers speak, or `auto` with a multilingual Whisper."""
    context_tokens: PositiveInt = 16_384
    """Tokens of context that all calls share in the language model."""
    slots: PositiveInt = 16
    """Calls whose context the language model keeps at a time."""
    kv_host_mb: int = Field(default=256, ge=0)
    """Host memory for what further calls have read, in megabytes. 0: they read it again when they next speak."""


class OutsideLlmSettings(Section):
    """A language model on another server, instead of the local one, which then stands in when that server fails."""

    model_config = SettingsConfigDict(env_prefix="OUTSIDE_LLM_")

    url: str = ""
    """Address of an OpenAI-compatible server such as vLLM: http://gpu-machine:8000/v1. Empty: the local model.

    In quote mode answers are written here all the same: only the local model can be held to the documents' words.
    """
    model: str = ""
    """Model to ask for. Empty: the first that the server lists."""
    key: SecretStr = SecretStr("")
    """API key of that server, if it wants one."""
    first_token_s: PositiveFloat = 5
    """Seconds within which the first word of an answer must come."""


class WorkerSettings(Section):
    """The processes that join calls."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    agent_name: str = "landline"
    """Name under which LiveKit dispatches calls to this agent."""
    count: PositiveInt = 2
    """Worker processes that `landline up` runs. With two or more, the calls of one that dies go on in another."""
    max_calls: PositiveInt = 8
    """Calls at a time on this machine, whichever worker has them; further callers wait for a line."""
    max_waiting: int = Field(default=4, ge=0, le=20)
    """Callers by phone who may wait for a line; they hear their place. Further ones are left to other machines."""
    idle_processes: PositiveInt = 1
    """Job processes that each worker keeps warm for the next calls."""
    health_port: int = Field(default=8081, ge=0, le=65535)
    """Port on loopback where the first worker says whether it is registered; the others use the ports above it."""
    drain_s: PositiveFloat = 60
    """How long running calls may go on after the worker is told to stop."""

    @property
    def health_ports(self) -> range:
        """The port of each worker that `landline up` runs."""
        return range(self.health_port, self.health_port + self.count)


class LogSettings(Section):
    """What is written down. Never what was said."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least important message that is written."""
    format: Literal["auto", "text", "json"] = "auto"
    """`text` for people, `json` for machines. `auto`: text on a terminal, JSON lines otherwise."""


class TraceSettings(Section):
    """Traces of turns for an OpenTelemetry collector. Times and ids, never what was said."""

    model_config = SettingsConfigDict(env_prefix="TRACES_")

    endpoint: str = ""
    """Address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Empty: nothing is sent."""
