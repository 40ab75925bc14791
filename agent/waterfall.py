"""One turn in time: which stage took how long, and which documents the answer rests on.

A turn is known by the id of the caller's message. An answer that is made ahead for words which then change never
becomes a turn: only what reaches the conversation is told to anybody, and how many others were begun.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from livekit.agents import llm

from agent.conversations.turns import Turn as KeptTurn
from agent.conversations.turns import source_of
from plugins.llama.llm import PREFILL

Json = dict[str, Any]
Door = Literal["voice", "text"]
Tell = Callable[[str, Json], None]
"""Told a topic and what to send on it to the caller."""
Keep = Callable[[KeptTurn], None]
"""Told a turn once it is over."""

SOURCES_TOPIC = "landline.sources"
TURN_TOPIC = "landline.turn"
MOST_KEPT = 8
"""Answers made ahead and never used are forgotten beyond this number."""

AHEAD_S = 0.02
"""An answer begun less than this before the turn was over was begun because it was over."""

USER_STAGES = {"end_of_turn_delay": "end_of_turn_ms", "transcription_delay": "transcript_ms"}
AGENT_STAGES = {
    "llm_node_ttft": "first_token_ms",
    "llm_node_ttfs": "first_clause_ms",
    "tts_node_ttfb": "first_audio_ms",
    "playback_latency": "sent_ms",
    "e2e_latency": "answered_ms",
}


@dataclass
class Turn:
    """What is known of one answer while it is being made. Stamps are seconds of the monotonic clock."""

    id: str
    door: Door
    began_s: float | None = None
    retrieved_s: float | None = None
    first_text_s: float | None = None
    committed_s: float | None = None
    at_s: float = 0.0
    """The caller's last sound, or the arrival of a typed question, in seconds since 1970."""
    said: str = ""
    answer: str = ""
    sources: list[Json] = field(default_factory=list[Json])
    is_answered: bool = False
    is_retried: bool = False
    is_told: bool = False
    decode_ms: float | None = None
    thrown_away: int = 0
    """Answers that were begun since the last turn, for words that then changed."""
    user: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_unused(self) -> bool:
        """Whether an answer was begun that nobody has asked for yet."""
        return self.began_s is not None and self.committed_s is None and self.door == "voice"

    @property
    def ahead_s(self) -> float | None:
        """How long before the end of the turn the answer was begun."""
        if self.began_s is None or self.committed_s is None:
            return None
        return max(0.0, self.committed_s - self.began_s)


class Waterfall:
    """Follows every turn of one call and tells the caller, and whoever is to `keep` them, about those that happened."""

    def __init__(self, tell: Tell, *, keep: Keep = lambda _: None, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._keep = keep
        self._clock = clock
        self._turns: dict[str, Turn] = {}
        self._typed: set[str] = set()
        self._current: Turn | None = None
        self._decode_ms: float | None = None
        self._thrown_away = 0

    def decoded(self, decode_ms: float) -> None:
        """The engine took so long for the transcript that has just come."""
        self._decode_ms = decode_ms

    def typed(self, message_id: str) -> None:
        """The caller's message `message_id` came through the text door."""
        self._typed.add(message_id)

    def begin(self, message_id: str) -> Turn:
        """An answer to the caller's message is being made: perhaps ahead of the end of the turn, perhaps once more."""
        turn = self._turn(message_id)
        if turn.began_s is not None:
            turn.answer, turn.first_text_s, turn.retrieved_s, turn.is_retried = "", None, None, True
        turn.began_s = turn.began_s or self._clock()
        return turn

    def _turn(self, message_id: str) -> Turn:
        door: Door = "text" if message_id in self._typed else "voice"
        turn = self._turns[message_id] = self._turns.pop(message_id, None) or Turn(message_id, door)
        while len(self._turns) > MOST_KEPT:
            self._forget(next(iter(self._turns)))
        return turn

    def _forget(self, message_id: str) -> None:
        self._thrown_away += self._turns.pop(message_id).is_unused

    def retrieved(self, turn: Turn) -> None:
        """The passages are there."""
        turn.retrieved_s = turn.retrieved_s or self._clock()

    def text(self, turn: Turn, text: str) -> None:
        """A piece of the answer."""
        turn.first_text_s = turn.first_text_s or self._clock()
        turn.answer += text

    def answered(self, turn: Turn, sources: list[Json]) -> None:
        """The answer's text is complete and rests on `sources`."""
        turn.sources, turn.is_answered = sources, True
        self._tell_sources(turn)

    def said(self, item: object) -> None:
        """Something became part of the conversation: the caller's words commit a turn, the agent's end it."""
        if not isinstance(item, llm.ChatMessage):
            return
        if item.role == "user":
            self._commit(item)
        elif item.role == "assistant" and self._current:
            self._current.thrown_away, self._thrown_away = self._thrown_away, 0
            self._tell(TURN_TOPIC, told := stages(self._current, item))
            self._keep(kept(self._current, item.text_content or "", told))
            self._current = None

    def end(self) -> None:
        """The call is over, or goes on with another turn: of the present one's answer nothing was heard."""
        if self._current:
            self._keep(kept(self._current, "", {"interrupted": True}))
            self._current = None

    def _commit(self, message: llm.ChatMessage) -> None:
        self.end()
        turn = self._turn(message.id)
        turn.committed_s, turn.user, turn.said = self._clock(), message.metrics, message.text_content or ""
        turn.at_s = message.metrics.get("stopped_speaking_at", message.created_at)
        self._typed.discard(message.id)
        if turn.door == "voice":
            turn.decode_ms, self._decode_ms = self._decode_ms, None
            for unused in [other.id for other in self._turns.values() if other.is_unused]:
                self._forget(unused)
        self._current = turn
        self._tell_sources(turn)

    def _tell_sources(self, turn: Turn) -> None:
        if turn.is_answered and turn.committed_s is not None and turn.sources and not turn.is_told:
            turn.is_told = True
            self._tell(SOURCES_TOPIC, {"turn": turn.id, "answer": turn.answer, "sources": turn.sources})


def stages(turn: Turn, answer: llm.ChatMessage) -> Json:
    """The waterfall of a finished turn; stages that did not happen are left out.

    `end_of_turn_ms` and `transcript_ms` count from the caller's last sound, `retrieval_ms`, `first_token_ms` and
    `first_clause_ms` from the start of the answer's making, `first_audio_ms` from the first clause; `ahead_ms` is how
    long before the end of the turn the making began; `answered_ms` is all of it, as far as the agent can know: from the
    caller's last sound to the agent's first, or from the arrival of a typed question to the first text. Durations of
    their own are `decode_ms` (Whisper's, of the last transcript), `prefill_ms` (the model reading what is new in its
    prompt) and `sent_ms` (from the first frame to its being on the way). `at_s` is when the caller's last sound was, in
    seconds since 1970.
    """
    times = {name: turn.user[key] * 1000 for key, name in USER_STAGES.items() if key in turn.user}
    times |= {name: answer.metrics[key] * 1000 for key, name in AGENT_STAGES.items() if key in answer.metrics}
    if turn.began_s is not None:
        times |= _made(turn, turn.began_s)
    if turn.decode_ms is not None:
        times["decode_ms"] = turn.decode_ms
    if (prefill_ms := answer.extra.get(PREFILL)) is not None:
        times["prefill_ms"] = prefill_ms
    return {
        "turn": turn.id,
        "at_s": round(turn.at_s, 3),
        "door": turn.door,
        "interrupted": answer.interrupted,
        "retried": turn.is_retried,
        "speculation": "used" if turn.door == "voice" and (turn.ahead_s or 0.0) > AHEAD_S else "none",
        "thrown_away": turn.thrown_away,
        **{name: round(milliseconds, 1) for name, milliseconds in times.items()},
    }


def _made(turn: Turn, began_s: float) -> dict[str, float]:
    times: dict[str, float] = {}
    if turn.retrieved_s is not None:
        times["retrieval_ms"] = (turn.retrieved_s - began_s) * 1000
    if turn.door == "text" and turn.first_text_s is not None:
        times["answered_ms"] = (turn.first_text_s - began_s) * 1000
    if turn.ahead_s is not None:
        times["ahead_ms"] = turn.ahead_s * 1000
    return times


def kept(turn: Turn, heard: str, told: Json) -> KeptTurn:
    """A finished turn as the conversation keeps it; `told` is what `stages` says."""
    return KeptTurn(
        door=turn.door,
        said=turn.said,
        answer=turn.answer or heard,
        heard=heard,
        interrupted=told["interrupted"],
        sources=tuple(map(source_of, turn.sources)),
        latencies_ms={name: value for name, value in told.items() if name.endswith("_ms")},
    )


def numbers(told: Json) -> Json:
    """A finished turn as the engine counts it: what `stages` says, without whose turn it was."""
    kept = ("door", "interrupted", "retried", "speculation", "thrown_away")
    stages_ms = {name.removesuffix("_ms"): value for name, value in told.items() if name.endswith("_ms")}
    return {name: told[name] for name in kept} | {"stages_ms": stages_ms}
