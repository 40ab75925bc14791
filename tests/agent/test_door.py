"""What the settings become at the door."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import pytest

from agent.conversations.store import open_conversations
from agent.conversations.turns import Conversation
from agent.door import guard_rules, web_config
from agent.settings import Settings
from plugins.client import EngineClient
from web.api.backend import Chat
from web.api.errors import ApiError

HELLO = {"role": "user", "content": "when is breakfast"}


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


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine that answers everything, and a database of the test's own."""

    async def chat(*_: Any, **__: Any) -> AsyncGenerator[dict[str, Any]]:
        yield {"content": "From 7 am."}
        yield {"finish_reason": "stop"}

    monkeypatch.setattr(EngineClient, "chat", chat)
    monkeypatch.setenv("CONVERSATIONS_DATABASE", str(tmp_path / "conversations.db"))


async def ask_over_http(*, conversation: str | bool) -> str | None:
    """Ask the door that the settings make, and return the conversation that it answers in."""
    config = web_config(Settings())
    async with AsyncExitStack() as running:
        for service in config.services:
            await running.enter_async_context(service())
        assert config.agent
        running.push_async_callback(config.agent.aclose)
        chat = Chat(messages=[HELLO], documents=False, conversation=conversation)
        async with aclosing(config.agent.answer(chat)) as pieces:
            told = [piece async for piece in pieces]
    assert "".join(piece.text for piece in told) == "From 7 am."
    return told[-1].conversation


async def kept() -> list[Conversation]:
    conversations = open_conversations(Settings().conversations)
    await conversations.prepare()
    try:
        return [one async for one in conversations.export()]
    finally:
        await conversations.aclose()


async def test_what_is_said_over_http_is_kept(talkative: None) -> None:
    conversation = await ask_over_http(conversation=True)
    assert [(one.id, one.turns[0].said) for one in await kept()] == [(conversation, "when is breakfast")]


async def test_what_is_said_over_http_is_not_kept_where_nothing_is(
    talkative: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVERSATIONS_KEEP", "false")
    assert await ask_over_http(conversation=True) is None
    with pytest.raises(ApiError, match="not kept here"):
        await ask_over_http(conversation="conv-1")
    assert await kept() == []


async def test_what_was_kept_before_is_still_seen_and_deleted_where_nothing_is_kept_now(
    talkative: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await ask_over_http(conversation=True)
    monkeypatch.setenv("CONVERSATIONS_KEEP", "false")
    config = web_config(Settings())
    async with config.services[0]():
        assert config.admin and conversation
        assert await config.admin.archive.one(conversation)
    conversations = open_conversations(Settings().conversations)
    assert await conversations.delete([conversation]) == 1
    await conversations.aclose()
    assert await kept() == []
