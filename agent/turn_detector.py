"""The end of a turn for LiveKit: the rules of `agent/turn_end.py` with a clock, and with or without its audio model."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    AgentSession,
    APIConnectOptions,
    ConversationItemAddedEvent,
    LanguageCode,
    UserStateChangedEvent,
    inference,
    llm,
)
from livekit.agents.voice.turn import TurnDetectionEvent

from agent.turn_end import TurnRules, silence_to_wait_s
from agent.turn_words import TurnWords

KEPT_PAUSES = 12
LONGEST_PAUSE_S = 2.0
"""A caller who speaks again later than this has begun another turn."""
CERTAIN = 1.0
NEVER_UNLIKELY = 0.0
"""The wait is over when LiveKit compares: whatever it gets then is likely enough."""


class TurnClock:
    """Follows one call: how long the caller has been silent, what the turn's `words` are, how the caller pauses.

    `detection_s` is the silence after which the session says that the caller stopped speaking.
    """

    def __init__(
        self,
        rules: TurnRules,
        *,
        detection_s: float,
        language: str = "en",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._detection_s = detection_s
        self._language = language
        self._clock = clock
        self._silent_since_s: float | None = None
        self.pauses_s: deque[float] = deque(maxlen=KEPT_PAUSES)
        self.words = TurnWords()

    def watch(self, session: AgentSession[Any]) -> None:
        """Follow what happens in `session`."""
        session.on("user_state_changed", self.on_user_state)
        session.on("user_input_transcribed", self.words.on_transcript)
        session.on("conversation_item_added", self.on_item)

    def on_user_state(self, event: UserStateChangedEvent) -> None:
        """The caller begins to speak, or has stopped."""
        if event.new_state == "speaking":
            self._note_pause()
        elif event.old_state == "speaking":
            self._silent_since_s = self._clock() - self._detection_s

    def on_item(self, event: ConversationItemAddedEvent) -> None:
        """The caller's words have become a turn: the silence after it is no pause within it."""
        self.words.on_item(event)
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._silent_since_s = None

    def _note_pause(self) -> None:
        if self._silent_since_s is not None:
            pause_s = self._clock() - self._silent_since_s
            if pause_s < LONGEST_PAUSE_S:
                self.pauses_s.append(pause_s)
        self._silent_since_s = None

    def left_s(self, text: str, *, score: float | None = None) -> float:
        """Seconds still to wait until the turn that says `text` is over; 0 if it is."""
        wait_s = silence_to_wait_s(
            text, score=score, pauses_s=tuple(self.pauses_s), rules=self._rules, language=self._language
        )
        silent_s = self._clock() - self._silent_since_s if self._silent_since_s is not None else self._detection_s
        return max(0.0, wait_s - silent_s)


class TurnDetector:
    """For LiveKit's `turn_detection`: answers when the words and the caller's habits say that the turn is over.

    LiveKit asks after every stretch of speech, and drops the question when the caller goes on.
    """

    model = "landline"
    provider = "landline"

    def __init__(self, clock: TurnClock) -> None:
        self._turn_clock = clock

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        return NEVER_UNLIKELY

    async def supports_language(self, language: LanguageCode | None) -> bool:
        return True

    async def predict_end_of_turn(self, chat_ctx: llm.ChatContext, *, timeout: float | None = None) -> float:
        """Wait out the silence that the turn's words, at the end of `chat_ctx`, ask for."""
        said = chat_ctx.messages()[-1].raw_text_content or ""
        await asyncio.sleep(self._turn_clock.left_s(said))
        return CERTAIN


class AudioTurnDetector:
    """The same with LiveKit's local end-of-turn model as another witness."""

    provider = "landline"

    def __init__(self, clock: TurnClock) -> None:
        self._turn_clock = clock
        self._inner = inference.TurnDetector(version="v1-mini")

    @property
    def model(self) -> str:
        """The model that listens."""
        return self._inner.model

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> "AudioTurnStream":
        """The detector of one participant."""
        return AudioTurnStream(self._turn_clock, self._inner.stream(conn_options=conn_options))


class AudioTurnStream:
    """LiveKit's stream, with our wait after its prediction."""

    model = "landline"
    provider = "landline"
    is_fallback = False

    def __init__(self, clock: TurnClock, inner: Any) -> None:
        self._turn_clock = clock
        self._inner = inner
        self._score: float | None = None

    @property
    def prediction_timeout(self) -> float:
        """Seconds until the turn ends without a prediction."""
        return self._inner.prediction_timeout

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        """LiveKit asks this once the prediction is there: the place to wait for what the rules ask for."""
        await asyncio.sleep(self._turn_clock.left_s(self._turn_clock.words.settled, score=self._score))
        return NEVER_UNLIKELY

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        return await self._inner.backchannel_threshold(language)

    async def supports_language(self, language: LanguageCode | None) -> bool:
        return await self._inner.supports_language(language)

    def predict(self) -> "asyncio.Future[TurnDetectionEvent]":
        """Ask the model about the silence that has just begun."""
        self._score = None
        prediction = self._inner.predict()
        prediction.add_done_callback(self._remember)
        return prediction

    def _remember(self, prediction: "asyncio.Future[TurnDetectionEvent]") -> None:
        if not prediction.cancelled() and not prediction.exception():
            self._score = prediction.result().end_of_turn_probability

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        self._inner.cancel_inference(timed_out=timed_out)

    def flush(self, reason: str | None = None) -> None:
        self._inner.flush(reason)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        self._inner.push_audio(frame)

    def end_input(self) -> None:
        self._inner.end_input()

    async def aclose(self) -> None:
        await self._inner.aclose()
