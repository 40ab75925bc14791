"""The text door of a call: a typed question stops the agent and is answered in text alone.

The agent's voice is off while a typed question is answered, so that the text streams at once and not at the pace of
speech; it is on again for the next spoken turn. A line that just came back may swallow a message, so a client may
number its messages: it is told which have arrived, and one that comes twice is answered once.
"""

import logging
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentSession, llm
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.room_io import TextInputEvent

from agent.waterfall import Waterfall

logger = logging.getLogger(__name__)
LINE_ATTRIBUTE = "landline.line"
RECEIVED_TOPIC = "landline.received"


class TextDoor:
    """Takes typed messages of at most `max_chars` characters; longer ones are cut, and the caller is told."""

    def __init__(self, waterfall: Waterfall, *, tell: Callable[[str, Any], None], max_chars: int) -> None:
        self._waterfall = waterfall
        self._tell = tell
        self._max_chars = max_chars
        self._received: set[str] = set()
        self._replying: SpeechHandle | None = None

    async def receive(self, session: AgentSession[None], event: TextInputEvent) -> None:
        """Answer one typed message."""
        text = event.text.strip()
        logger.info("typed message", extra={"chars": len(text)})
        if self._is_known(event) or not text:
            return
        await session.interrupt(force=True)
        session.output.set_audio_enabled(False)
        if len(text) > self._max_chars:
            session.say(too_long(len(text), self._max_chars), add_to_chat_ctx=False)
        message = llm.ChatMessage(role="user", content=[text[: self._max_chars]])
        self._waterfall.typed(message.id)
        self._replying = session.generate_reply(user_input=message, input_modality="text")
        self._replying.add_done_callback(lambda reply: self._speak_again(session, reply))

    def _is_known(self, event: TextInputEvent) -> bool:
        """Confirm a numbered message; whether it came before."""
        line = (event.info.attributes or {}).get(LINE_ATTRIBUTE) if event.info else None
        if line is None:
            return False
        self._tell(RECEIVED_TOPIC, {"line": line})
        is_known = line in self._received
        self._received.add(line)
        return is_known

    def _speak_again(self, session: AgentSession[None], reply: SpeechHandle) -> None:
        if reply is self._replying:
            self._replying = None
            session.output.set_audio_enabled(True)


def too_long(chars: int, max_chars: int) -> str:
    """What the caller reads when a message was cut."""
    return f"Your message has {chars:,} characters. I have read the first {max_chars:,}. "
