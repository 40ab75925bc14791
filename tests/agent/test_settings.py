"""Settings: documented, safe by default, and read in one place."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent import settings as module
from agent.settings import ROOT, SECTIONS, Settings, SettingsError, check_guard, check_keys, example, load

SOURCES = [path for folder in ("agent", "plugins", "knowledge", "web") for path in (ROOT / folder).rglob("*.py")]


def test_every_setting_has_a_sentence() -> None:
    for section in SECTIONS.values():
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
            assert field.description.strip().endswith("."), f"{section.__name__}.{name}"


def test_every_setting_is_read() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "agent").rglob("*.py"))
    for name, section in SECTIONS.items():
        for field in section.model_fields:
            assert re.search(rf"\b({name}|settings|self)\.{field}\b", source), f"{name}.{field}"


def test_env_example_shows_every_setting_with_its_default() -> None:
    assert (ROOT / ".env.example").read_text() == example(), "run `python -m agent.settings > .env.example`"


def test_only_the_settings_read_the_environment() -> None:
    readers = [path for path in SOURCES if re.search(r"os\.(environ(?!\[\S+\] = )|getenv)", path.read_text())]
    assert readers == [Path(module.__file__)]


@pytest.mark.parametrize("wish", ["TURN_INTERRUPTION_MIN_S=0", "TURN_INTERRUPTION_MIN_S=-1"])
def test_an_agent_that_every_moment_would_silence_is_refused(monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    monkeypatch.setenv(*wish.split("="))
    with pytest.raises(ValidationError, match="interruption_min_s"):
        _ = Settings().turn


@pytest.mark.parametrize(
    "wish",
    [
        "KNOWLEDGE_PASSAGES=many",
        "WEB_PORT=99999",
        "LIVEKIT_PORT=65535",
        "CONVERSATIONS_RETENTION_DAYS=1e9",
        "LOG_LEVEL=loud",
        "KNOWLEDGE_STORAGE_OPTIONS={broken",
    ],
)
def test_what_cannot_be_used_is_named_as_it_was_set_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setenv(*wish.split("="))
    with pytest.raises(SettingsError, match=wish.split("=")[0]):
        load()


def test_a_file_of_settings_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"WEB_PORT=\xff\xfe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"^\.env cannot be read"):
        load()


def test_a_misspelt_setting_is_refused_with_the_one_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SHOP_PORT=80\nWEB_PORT=8090\nWORKER_MAX_CALL=3\n")
    with pytest.raises(SettingsError, match=r"^WORKER_MAX_CALL in \.env is no setting; WORKER_MAX_CALLS is\."):
        load()
    (tmp_path / ".env").write_text("SHOP_PORT=80\nWEB_PORT=8090\n")
    assert load().web.port == 8090, "what other programs are told is theirs"


def test_the_example_with_every_line_uncommented_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = _relative_values()
    (tmp_path / ".env").write_text(re.sub(r"^# (?=[A-Z0-9_]+=)", "", example(), flags=re.MULTILINE))
    assert _relative_values() == before


def _relative_values() -> dict[str, object]:
    """Every setting as it is read now; files of the repository by their path in it."""
    values = {f"{name}.{field}": value for name, section in SECTIONS.items() for field, value in section()}
    return {
        name: value.relative_to(ROOT) if isinstance(value, Path) and value.is_relative_to(ROOT) else value
        for name, value in values.items()
    }


def test_the_development_keys_are_refused_outside_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_HOST", "0.0.0.0")
    with pytest.raises(SettingsError, match="LIVEKIT_API_SECRET"):
        check_keys(Settings())


def test_the_development_keys_are_refused_with_an_outside_livekit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_URL", "wss://livekit.example.org")
    with pytest.raises(SettingsError, match="LIVEKIT_API_KEY"):
        check_keys(Settings())


def test_own_keys_may_be_used_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_HOST", "0.0.0.0")
    monkeypatch.setenv("LIVEKIT_API_KEY", "clinic")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "x" * 32)
    check_keys(Settings())


def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "clinic")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "short")
    with pytest.raises(SettingsError, match="32 characters"):
        check_keys(Settings())


def test_starter_models_quote_and_other_models_speak_freely(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings().tier, Settings().mode) == ("starter", "quote")
    monkeypatch.setenv("MODELS_LLAMA", "/models/other.gguf")
    assert (Settings().tier, Settings().mode) == ("standard", "free")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"JWT_SECRET": "short"}, "GUARD_JWT_SECRET"),
        ({"JWT_SECRET": "x" * 32}, "GUARD_JWT_ISSUER"),
        ({"JWT_SECRET": "x" * 32, "JWT_ISSUER": "i", "JWT_AUDIENCE": ""}, "GUARD_JWT_AUDIENCE"),
        ({"JWT_SECRET": "x" * 32, "JWT_ISSUER": "i", "JWT_PUBLIC_KEY": "/etc/hostname"}, "GUARD_JWT_PUBLIC_KEY"),
        ({"JWT_PUBLIC_KEY": "/nowhere.pem", "JWT_ISSUER": "i"}, "GUARD_JWT_PUBLIC_KEY"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8, nginx"}, "GUARD_TRUSTED_PROXIES"),
    ],
)
def test_rules_that_let_in_whom_nobody_meant_are_refused(
    settings: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"GUARD_{name}", value)
    with pytest.raises(SettingsError, match=named):
        check_guard(Settings().guard)


def test_no_secret_is_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GUARD_JWT_SECRET", "GUARD_REDIS_URL", "LIVEKIT_API_SECRET"):
        monkeypatch.setenv(name, "hush-hush")
    assert "hush" not in repr(Settings().guard) + repr(Settings().livekit)
