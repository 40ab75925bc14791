"""What the settings become at the door."""

from pathlib import Path

import pytest

from agent.door import guard_rules, web_config
from agent.settings import Settings


def test_a_door_is_open_to_newcomers_on_loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert guard_rules(Settings()).open_on_loopback
    monkeypatch.setenv("WEB_HOST", "0.0.0.0")
    assert not guard_rules(Settings()).open_on_loopback


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_API_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("GUARD_TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1")
    config = web_config(Settings())
    assert config.guard.api_origins == {"https://a.example", "https://b.example"}
    assert config.guard.page_origins == frozenset()
    assert config.trusted_proxies == {"10.0.0.0/8", "127.0.0.1"}


def test_tokens_are_checked_by_a_secret_or_by_a_public_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert guard_rules(Settings()).tokens is None
    monkeypatch.setenv("GUARD_JWT_ISSUER", "https://id.example")
    monkeypatch.setenv("GUARD_JWT_SECRET", "x" * 32)
    tokens = guard_rules(Settings()).tokens
    assert tokens and (tokens.algorithm, tokens.issuer, tokens.audience) == ("HS256", "https://id.example", "landline")
    assert "x" * 32 not in repr(tokens)
    monkeypatch.setenv("GUARD_JWT_SECRET", "")
    monkeypatch.setenv("GUARD_JWT_PUBLIC_KEY", str(tmp_path / "key.pem"))
    (tmp_path / "key.pem").write_text("PEM")
    tokens = guard_rules(Settings()).tokens
    assert tokens and (tokens.algorithm, tokens.key) == ("RS256", "PEM")
