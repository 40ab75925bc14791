"""The words of a turn while it goes on."""

from typing import Any

from livekit.agents import UserInputTranscribedEvent, llm


class TurnWords:
    """What the caller has said since their last turn became part of the conversation, as far as it is final."""

    def __init__(self) -> None:
        self._settled: list[str] = []

    def on_transcript(self, event: UserInputTranscribedEvent) -> None:
        """The caller has said more; only what is final counts."""
        if event.is_final:
            self._settled.append(event.transcript)

    def on_item(self, event: Any) -> None:
        """The caller's words have become a turn: what follows belongs to the next one."""
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self.clear()

    def clear(self) -> None:
        """The turn begins anew."""
        self._settled.clear()

    @property
    def settled(self) -> str:
        """What does not change any more."""
        return " ".join(self._settled)

    def followed_by(self, interim: str) -> str:
        """The settled words, and after them those that may still change."""
        return " ".join([*self._settled, interim])
