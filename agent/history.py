"""How much of a conversation the language model sees: the newest messages that fit."""

import math
from collections.abc import Sequence

from livekit.agents import llm

CHARS_PER_TOKEN = 3.5
TOKENS_PER_MESSAGE = 4
"""Role and separators of one message in a chat template."""


def estimate_tokens(text: str) -> int:
    """Tokens of `text` in a prompt, rather too many than too few: the worker has no tokenizer."""
    return TOKENS_PER_MESSAGE + math.ceil(len(text) / CHARS_PER_TOKEN)


def last_question(chat: llm.ChatContext) -> llm.ChatMessage | None:
    """The newest message by the caller, unless there is none."""
    return next((message for message in reversed(chat.messages()) if message.role == "user"), None)


def recent(
    messages: Sequence[llm.ChatMessage], *, max_messages: int, max_tokens: int, without: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The newest of `messages` that fit both limits, oldest first, as `{"role", "content"}`.

    Only what the two sides said counts: instructions and empty messages are left out, and so are the sentences
    `without` (apologies) wherever they stand. A message that does not fit ends the history: it has no holes.
    """
    kept: list[dict[str, str]] = []
    left = max_tokens
    for message in reversed(messages):
        text = _spoken(message, without)
        if not text:
            continue
        left -= estimate_tokens(text)
        if left < 0 or len(kept) == max_messages:
            break
        kept.append({"role": message.role, "content": text})
    return kept[::-1]


def before(chat: llm.ChatContext, question: llm.ChatMessage) -> list[llm.ChatMessage]:
    """What was said before `question`."""
    messages = chat.messages()
    return messages[: next(index for index, message in enumerate(messages) if message.id == question.id)]


def _spoken(message: llm.ChatMessage, without: Sequence[str]) -> str:
    if message.role not in ("user", "assistant"):
        return ""
    text = message.raw_text_content or ""
    for sentence in without:
        text = text.replace(sentence, "")
    return text.strip()
