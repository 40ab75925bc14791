"""What a scripted caller does: turns to speak or to type, and how long to wait for the other side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agent.caller.pauses import with_pauses, without_pauses
from agent.caller.voice import DEFAULT_VOICE, WORDS_PER_MINUTE, recording, speech
from plugins.audio import Float


@dataclass(frozen=True)
class Say:
    """A spoken turn, in the caller's synthetic voice; `[0.6]` in it is a pause of so many seconds."""

    text: str


@dataclass(frozen=True)
class Play:
    """A spoken turn from a recording; `text` is what is said in it, if known."""

    path: Path
    text: str = ""


@dataclass(frozen=True)
class Type:
    """A typed turn."""

    text: str


Turn = Say | Play | Type


@dataclass(frozen=True)
class Patience:
    """How long the caller waits for the other side, in seconds."""

    agent_s: float = 15.0
    """For an agent to join the room."""
    greeting_s: float = 10.0
    """For the agent's greeting to begin; without one the call goes on."""
    answer_s: float = 20.0
    """For an answer to begin after a question."""
    longest_answer_s: float = 90.0
    """For an answer to end once it began."""
    quiet_s: float = 0.7
    """Silence after which the agent is taken to have finished."""


@dataclass(frozen=True)
class CallScript:
    """One call: its turns and the caller's habits."""

    turns: Sequence[Turn]
    voice: str = DEFAULT_VOICE
    words_per_minute: int = WORDS_PER_MINUTE
    documents: bool = True
    """Whether the agent may use the documents."""
    patience: Patience = field(default_factory=Patience)
    listen_s: float | None = None
    """How much of each answer is heard before the caller presses the stop button; `None`: all of it."""

    def audio(self, turn: Say | Play, *, sample_rate_hz: int) -> Float:
        """The sound of a spoken turn. Raises `VoiceFailed`."""
        if isinstance(turn, Play):
            return recording(turn.path, sample_rate_hz=sample_rate_hz)
        return with_pauses(
            turn.text, partial(self._speak, sample_rate_hz=sample_rate_hz), sample_rate_hz=sample_rate_hz
        )

    def _speak(self, text: str, *, sample_rate_hz: int) -> Float:
        return speech(text, sample_rate_hz=sample_rate_hz, voice=self.voice, words_per_minute=self.words_per_minute)


def said(turn: Turn) -> str:
    """What a turn says, for the report: its text, or the recording's name."""
    if isinstance(turn, Play) and not turn.text:
        return f"[{turn.path.name}]"
    return without_pauses(turn.text) if isinstance(turn, Say) else turn.text
