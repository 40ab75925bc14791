"""Every setting, in one place: the only file that reads the environment.

`load()` reads the environment and `.env` in the current folder. `.env.example` documents the same names; a test
holds the two together. The rest of the program receives values.
"""

import os
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "models" / "starter"
EMBEDDERS = Path("run/embedders")
"""Embedding models in a form that loads quickly, made from the models themselves."""

DEVELOPMENT_KEY = "landline-dev"
DEVELOPMENT_SECRET = "landline-development-secret-only-for-loopback"


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what to write instead."""


class Section(BaseSettings):
    """A group of settings that share a prefix. Each field's docstring is its documentation."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )


class LiveKitSettings(Section):
    """The LiveKit server that carries the audio."""

    model_config = SettingsConfigDict(env_prefix="LIVEKIT_")

    url: str = ""
    """Address of an outside LiveKit server, such as wss://livekit.example.org. Empty: `landline up` runs its own."""
    api_key: str = DEVELOPMENT_KEY
    """API key that tokens are signed with. The default is refused outside loopback."""
    api_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    """API secret, 32 characters or more. The default is refused outside loopback."""
    port: PositiveInt = 7880
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


class KnowledgeSettings(Section):
    """The owner's documents."""

    model_config = SettingsConfigDict(env_prefix="KNOWLEDGE_")

    uri: str = "data/knowledge"
    """Folder of the LanceDB index, or its place in an object store, such as s3://bucket/knowledge."""
    collection: str = "default"
    """Collection that calls are answered from."""
    passages: PositiveInt = 5
    """Passages that a question brings into the prompt."""
    max_tokens: PositiveInt = 2000
    """Tokens that those passages may take together."""
    uploads: Path = Path("data/uploads")
    """Folder that keeps the documents which are uploaded on the owner's page."""
    max_document_mb: PositiveInt = 20
    """Size above which a document is refused, in megabytes."""
    reranker: Path | None = None
    """Folder of a sentence-transformers cross-encoder that puts the passages found in order. Empty: none, faster."""
    demo: bool = True
    """Put the demo documents in when the index is empty."""
    s3_endpoint: str = ""
    """Address of an S3-compatible server for s3:// documents and indexes, such as http://127.0.0.1:9000. Empty: AWS."""
    s3_region: str = ""
    """Region of the S3 server. Empty: what AWS's own settings say."""
    s3_access_key: str = ""
    """Key for the S3 server. Empty: what AWS's own settings say."""
    s3_secret_key: SecretStr = SecretStr("")
    """Secret that belongs to that key."""
    storage_options: dict[str, str] = {}
    """Further storage options of LanceDB for an index in an object store, as JSON."""


class AnswerSettings(Section):
    """How the agent answers."""

    model_config = SettingsConfigDict(env_prefix="ANSWER_")

    mode: Literal["auto", "quote", "free"] = "auto"
    """`quote`: word for word from the documents. `free`: the model's own words. `auto`: quote with starter models."""
    history_messages: PositiveInt = 10
    """Messages of the conversation that the model sees."""
    history_tokens: PositiveInt = 1500
    """Tokens that those messages may take together."""
    max_tokens: PositiveInt = 160
    """Tokens after which an answer is cut."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Randomness of the model's words. 0: none."""
    cache: int = Field(default=1000, ge=0)
    """Answers to first questions that are kept for others who ask the same of the same passages. 0: none."""
    max_typed_chars: PositiveInt = 4000
    """Characters of a typed message that are read; the rest is left out, and the caller told so."""


class ConversationsSettings(Section):
    """What is kept of conversations. Landline sends none of it anywhere."""

    model_config = SettingsConfigDict(env_prefix="CONVERSATIONS_")

    keep: bool = True
    """Keep what was said, so that a conversation can go on later and through another door."""
    database: SecretStr = SecretStr("data/conversations.db")
    """Where: a SQLite file, or postgresql://USER:PASSWORD@HOST/DATABASE for several machines."""
    retention_days: float = Field(default=30, ge=0)
    """Days after its last turn that a conversation and its recordings are deleted. 0: never."""
    record: bool = False
    """Record calls, caller left and agent right. The greeting then says so. Only where conversations are kept."""
    recordings: Path = Path("data/recordings")
    """Folder of the recordings; each is deleted with its conversation."""

    @property
    def is_recording(self) -> bool:
        """Whether calls are recorded: a recording that belongs to no conversation could not be deleted with it."""
        return self.record and self.keep


class TurnSettings(Section):
    """When a turn ends, and when the agent stops for the caller."""

    model_config = SettingsConfigDict(env_prefix="TURN_")

    vad: Literal["builtin", "silero"] = "builtin"
    """Voice activity detector: LiveKit's built-in one, or livekit-plugins-silero."""
    detector: Literal["words", "v1-mini", "vad"] = "words"
    """What decides that a turn is over: silence and what was said, LiveKit's local end-of-turn model as well (255 MB,
    for natural voices), or silence alone."""
    min_silence_s: PositiveFloat = 0.25
    """Silence after which the voice activity detector reports the end of speech."""
    min_delay_s: float = Field(default=0.25, ge=0)
    """Silence that ends a turn whose words are complete, such as a whole question; with `vad`, any turn."""
    open_delay_s: PositiveFloat = 0.45
    """Silence that ends a turn whose words tell nothing about its end."""
    max_delay_s: PositiveFloat = 1.2
    """Silence that ends a turn in any case, even after "and" or in the middle of a phone number."""
    interruption_min_s: float = Field(default=0.1, ge=0)
    """Speech of the caller that silences the agent, until it is clear whether it was meant for it."""
    echo_guard_s: float = Field(default=0.6, ge=0)
    """Time after the agent's first word in which the caller cannot interrupt, while echo cancellation settles."""


class WorkerSettings(Section):
    """The processes that join calls."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    agent_name: str = "landline"
    """Name under which LiveKit dispatches calls to this agent."""
    count: PositiveInt = 2
    """Worker processes that `landline up` runs. With two or more, the calls of one that dies go on in another."""
    max_calls: PositiveInt = 8
    """Calls at a time on this machine, whichever worker has them; further callers wait for a line."""
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


class WebSettings(Section):
    """The door: the page and the tokens."""

    model_config = SettingsConfigDict(env_prefix="WEB_")

    host: str = "127.0.0.1"
    """Address that the page is served on. 0.0.0.0 lets other machines in and needs keys of your own."""
    port: int = Field(default=8080, ge=1, le=65535)
    """Port that the page is served on."""
    sessions_per_minute: PositiveInt = 30
    """New calls that one address may start in a minute."""
    max_waiting: int = Field(default=20, ge=0)
    """Callers who may wait for a line; further ones are told that all lines are busy. 0: nobody waits."""
    drain_s: PositiveFloat = 20
    """Seconds that answers may still be streamed after the door is told to close."""


class GuardSettings(Section):
    """Who may use the HTTP door, how often and how much. Keys are made with `landline keys create`."""

    model_config = SettingsConfigDict(env_prefix="GUARD_")

    keys: Path = Path("data/keys.db")
    """File of the API keys; it holds no key, only what recognizes one. No key ever made: this machine needs none."""
    jwt_secret: SecretStr = SecretStr("")
    """Secret that signed tokens (JWT, HS256) are believed by, 32 characters or more. Empty: none are."""
    jwt_public_key: Path | None = None
    """PEM file of the public key that signed tokens (JWT, RS256 or ES256) are believed by, instead of a secret."""
    jwt_algorithm: Literal["RS256", "ES256"] = "RS256"
    """Algorithm of tokens that are checked with the public key."""
    jwt_issuer: str = ""
    """Issuer (`iss`) that those tokens must name."""
    jwt_audience: str = "landline"
    """Audience (`aud`) that those tokens must name."""
    api_origins: str = ""
    """Sites whose pages may read the HTTP API, such as https://shop.example, with commas between. `*`: all."""
    page_origins: str = ""
    """Sites whose pages may start calls with a page of their own, with commas between."""
    trusted_proxies: str = ""
    """Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks, with commas between."""
    redis_url: SecretStr = SecretStr("")
    """Redis where several web processes count requests together, redis://HOST:PORT. Empty: each counts alone."""
    key_per_minute: PositiveInt = 600
    """Requests of one API key or token in a minute."""
    address_per_minute: PositiveInt = 1200
    """Requests from one address in a minute, whoever makes them."""
    key_at_once: PositiveInt = 128
    """Requests of one API key or token that run at a time."""
    address_at_once: PositiveInt = 256
    """Requests from one address that run at a time."""
    header_timeout_s: PositiveFloat = 20
    """How long a connection may take to send a request's head, or stay silent between two."""
    body_timeout_s: PositiveFloat = 30
    """How long a request's body may take to arrive."""
    max_request_s: PositiveFloat = 300
    """How long a request may run, a stream as well."""
    max_text_mb: PositiveFloat = 1
    """Size of a chat, speech or embedding request, in megabytes."""
    max_audio_mb: PositiveFloat = 25
    """Size of a recording to transcribe, in megabytes."""
    max_audio_s: PositiveFloat = 600
    """Length of a recording to transcribe, and of speech to make."""
    max_answer_tokens: PositiveInt = 1024
    """Tokens that an answer over HTTP may ask for."""


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


SECTIONS: dict[str, type[Section]] = {
    "livekit": LiveKitSettings,
    "engine": EngineSettings,
    "models": ModelSettings,
    "outside_llm": OutsideLlmSettings,
    "knowledge": KnowledgeSettings,
    "answer": AnswerSettings,
    "conversations": ConversationsSettings,
    "turn": TurnSettings,
    "worker": WorkerSettings,
    "web": WebSettings,
    "guard": GuardSettings,
    "log": LogSettings,
    "traces": TraceSettings,
}

LOOPBACK = ("127.", "localhost", "::1", "[::1]")


S = TypeVar("S", bound=Section)


def _read(section: type[S]) -> "cached_property[S]":
    return cached_property(lambda _: section())


class Settings:
    """All sections, each read when it is first asked for."""

    livekit = _read(LiveKitSettings)
    engine = _read(EngineSettings)
    models = _read(ModelSettings)
    outside_llm = _read(OutsideLlmSettings)
    knowledge = _read(KnowledgeSettings)
    answer = _read(AnswerSettings)
    conversations = _read(ConversationsSettings)
    turn = _read(TurnSettings)
    worker = _read(WorkerSettings)
    web = _read(WebSettings)
    guard = _read(GuardSettings)
    log = _read(LogSettings)
    traces = _read(TraceSettings)

    @property
    def livekit_url(self) -> str:
        """Where our own processes reach LiveKit."""
        return self.livekit.url or f"ws://127.0.0.1:{self.livekit.port}"

    @property
    def page(self) -> str:
        """The page's address on this machine."""
        host = "127.0.0.1" if self.web.host in ("0.0.0.0", "::") else self.web.host
        return f"http://{host}:{self.web.port}"

    @property
    def is_starter(self) -> bool:
        """Whether the language model is the repository's own."""
        return self.models.llama.resolve().is_relative_to(STARTER)

    @property
    def tier(self) -> Literal["starter", "standard"]:
        """What the page and the log call the models."""
        return "starter" if self.is_starter else "standard"

    @property
    def mode(self) -> Literal["quote", "free"]:
        """How answers are made, `auto` resolved."""
        if self.answer.mode == "auto":
            return "quote" if self.is_starter and not self.outside_llm.url else "free"
        return self.answer.mode


def load() -> Settings:
    """Read the environment and check what would be unsafe. Raises `SettingsError`."""
    settings = Settings()
    check_keys(settings)
    check_guard(settings.guard)
    return settings


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with `changes`, for a process that it starts."""
    return dict(os.environ) | dict(changes)


def steer_libraries(changes: Mapping[str, str | None]) -> None:
    """Set, or with `None` remove, what libraries read from the environment of this process and of its children."""
    for name, value in changes.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    return host.startswith(LOOPBACK)


def check_keys(settings: Settings) -> None:
    """Refuse the development keys wherever somebody else could use them, and secrets too short to be safe."""
    secret = settings.livekit.api_secret.get_secret_value()
    is_default = settings.livekit.api_key == DEVELOPMENT_KEY or secret == DEVELOPMENT_SECRET
    is_open = not (is_loopback(settings.web.host) and is_loopback(settings.livekit.bind) and not settings.livekit.url)
    if is_default and is_open:
        raise SettingsError(
            "LIVEKIT_API_KEY and LIVEKIT_API_SECRET still have their development values, and this set-up can be "
            "reached from outside. Put keys of your own in .env, for example:\n"
            "  LIVEKIT_API_KEY=my-clinic\n  LIVEKIT_API_SECRET=$(openssl rand -hex 32)"
        )
    if len(secret) < 32:
        raise SettingsError("LIVEKIT_API_SECRET has fewer than 32 characters; `openssl rand -hex 32` makes a safe one")


def listed(text: str) -> frozenset[str]:
    """What a setting names with commas between."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def check_guard(guard: GuardSettings) -> None:
    """Refuse rules for tokens and proxies that would let in whom nobody meant."""
    secret = guard.jwt_secret.get_secret_value()
    if secret and len(secret) < 32:
        raise SettingsError("GUARD_JWT_SECRET has fewer than 32 characters; `openssl rand -hex 32` makes a safe one")
    if secret and guard.jwt_public_key:
        raise SettingsError("GUARD_JWT_SECRET and GUARD_JWT_PUBLIC_KEY are both set; tokens are checked by one of them")
    if (secret or guard.jwt_public_key) and not (guard.jwt_issuer and guard.jwt_audience):
        raise SettingsError("GUARD_JWT_ISSUER and GUARD_JWT_AUDIENCE must say whose tokens are meant, and for whom")
    if guard.jwt_public_key and not guard.jwt_public_key.is_file():
        raise SettingsError(f"GUARD_JWT_PUBLIC_KEY: there is no file {guard.jwt_public_key}")
    for name in listed(guard.trusted_proxies):
        try:
            ip_network(name)
        except ValueError as error:
            raise SettingsError(f"GUARD_TRUSTED_PROXIES: {error}") from error


def example() -> str:
    """The text of `.env.example`: every setting with its sentence and its default, commented out."""
    lines = ["# Every setting with its default. Copy to .env and uncomment what you change."]
    for section in SECTIONS.values():
        prefix = str(section.model_config.get("env_prefix", ""))
        lines += ["", f"# --- {(section.__doc__ or '').strip()}"]
        for name, field in section.model_fields.items():
            lines += [
                "",
                f"# {' '.join((field.description or '').split())}",
                f"# {prefix}{name.upper()}={_shown(field)}",
            ]
    return "\n".join(lines) + "\n"


def _shown(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        return str(value.relative_to(ROOT))
    return "" if value is None else str(value)


if __name__ == "__main__":
    print(example(), end="")
