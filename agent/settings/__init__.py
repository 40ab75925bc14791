"""Every setting, in one place: the only package that reads the environment.

`load()` reads the environment and `.env` in the current folder. `.env.example` documents the same names; a test
holds the two together. The rest of the program receives values.
"""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError as UnreadableSetting

from agent.settings.doors import GuardSettings, WebSettings
from agent.settings.machine import (
    EngineSettings,
    LiveKitSettings,
    LogSettings,
    ModelSettings,
    OutsideLlmSettings,
    TraceSettings,
    WorkerSettings,
)
from agent.settings.section import DEVELOPMENT_KEY, DEVELOPMENT_SECRET, ROOT, STARTER, Section
from agent.settings.section import EMBEDDERS as EMBEDDERS
from agent.settings.talk import AnswerSettings, ConversationsSettings, KnowledgeSettings, TurnSettings

LOOPBACK = ("127.", "localhost", "::1", "[::1]")


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what to write instead."""


S = TypeVar("S", bound=Section)


class _Read(cached_property[S]):
    """A section, read when it is first asked for."""

    def __init__(self, section: type[S]) -> None:
        super().__init__(lambda _: section())
        self.section = section


class Settings:
    """All sections, each read when it is first asked for."""

    livekit = _Read(LiveKitSettings)
    engine = _Read(EngineSettings)
    models = _Read(ModelSettings)
    outside_llm = _Read(OutsideLlmSettings)
    knowledge = _Read(KnowledgeSettings)
    answer = _Read(AnswerSettings)
    conversations = _Read(ConversationsSettings)
    turn = _Read(TurnSettings)
    worker = _Read(WorkerSettings)
    web = _Read(WebSettings)
    guard = _Read(GuardSettings)
    log = _Read(LogSettings)
    traces = _Read(TraceSettings)

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


SECTIONS: dict[str, type[Section]] = {
    name: one.section for name, one in vars(Settings).items() if isinstance(one, _Read)
}


def load() -> Settings:
    """Read the environment and check what would be unsafe. Raises `SettingsError`."""
    settings = Settings()
    for name in SECTIONS:
        _read(settings, name)
    check_keys(settings)
    check_guard(settings.guard)
    return settings


def _read(settings: Settings, name: str) -> None:
    """One section; raises `SettingsError` for what cannot be used, named as whoever set it knows it."""
    section = SECTIONS[name]
    try:
        unknown = getattr(settings, name).model_extra
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SettingsError(f"{_variable(section, str(first['loc'][0]))}: {first['msg']}") from error
    except UnreadableSetting as error:
        field = next((field for field in section.model_fields if f'"{field}"' in str(error)), "…")
        raise SettingsError(f"{_variable(section, field)}: Input should be valid JSON") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read: {error}") from error
    if unknown:
        raise SettingsError(_no_such(_variable(section, next(iter(unknown)))))


def _no_such(name: str) -> str:
    known = [_variable(section, field) for section in SECTIONS.values() for field in section.model_fields]
    meant = "".join(f"; {near} is" for near in get_close_matches(name, known, n=1))
    return f"{name} in .env is no setting{meant}. All of them are in .env.example"


def _variable(section: type[Section], field: str) -> str:
    """The environment's name for a field."""
    return f"{section.model_config.get('env_prefix', '')}{field.upper()}"


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
        lines += ["", f"# --- {(section.__doc__ or '').strip()}"]
        for name, field in section.model_fields.items():
            lines += [
                "",
                f"# {' '.join((field.description or '').split())}",
                f"# {_variable(section, name)}={_shown(field)}",
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
