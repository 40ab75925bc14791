"""Listens to the caller while the agent speaks, and makes the agent give way to what is meant for it."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from livekit import rtc
from livekit.agents import stt, vad

from agent.barge_in import Evidence, Patience, Stance, give_way, is_echoed, is_meant
from agent.echo import Echo
from agent.playout import Playout
from plugins.audio import Float, float_from_pcm

STEP_S = 0.01
AUDIBLE_DB = -50.0
"""Quieter sounds are never minded."""
ABOVE_NOISE_DB = 12.0
"""How much louder than the room a sound is."""
FAR_ABOVE_NOISE_DB = 18.0
"""How much louder than the room a sound is that is not waited for to go on."""
NOISE_RISE_DB_PER_S = 6.0
"""How fast a louder room is taken for the usual one."""
BRIEF_GAP_S = 0.03
"""A gap within one sound."""
SPEECH = 0.5
STILL_SPEECH = 0.35
"""Probabilities from which the detector's window counts as speech, at its beginning and within it."""
WORDS_REMEMBERED = 40
ECHO_DOUBT_S = 0.2
"""A sound that was the agent's own stays so until it has been unlike it for this long."""
COMPARE_EVERY_S = 0.03
ECHO_TAIL_S = 2.0
"""After the agent's last sound, words may still be its own."""

TEXTS = (
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


@dataclass
class Sound:
    """How long there has been sound that stands out from the room's noise, or how long there has been none."""

    sound_s: float = 0.0
    quiet_s: float = 0.0
    noise_db: float = AUDIBLE_DB
    is_loud: bool = False

    def add(self, audio: Float, *, rate_hz: int) -> None:
        """Take in the next stretch of the microphone."""
        steps = max(1, round(audio.size / rate_hz / STEP_S))
        rows = audio[: audio.size // steps * steps].reshape(steps, -1)
        for energy in np.vecdot(rows, rows).tolist():
            self._step(10 * math.log10(energy / rows.shape[1] + 1e-12), audio.size / rate_hz / steps)

    def _step(self, level_db: float, step_s: float) -> None:
        self.noise_db = min(level_db, self.noise_db + NOISE_RISE_DB_PER_S * step_s)
        above_db = level_db - max(AUDIBLE_DB - ABOVE_NOISE_DB, self.noise_db)
        self.is_loud = above_db > FAR_ABOVE_NOISE_DB
        if above_db > ABOVE_NOISE_DB:
            self.sound_s, self.quiet_s = self.sound_s + step_s, 0.0
            return
        self.quiet_s += step_s
        if self.quiet_s > BRIEF_GAP_S:
            self.sound_s = 0.0


class Overhearing:
    """Moves the agent's `playout` from stance to stance; `stop` breaks the answer off for good."""

    def __init__(
        self,
        playout: Playout,
        *,
        stop: Callable[[], None],
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._playout = playout
        self._stop = stop
        self._patience = patience
        self._clock = clock
        self._sound = Sound()
        self._first_sound = Sound()
        self._echo = Echo(playout.played)
        self._speech_s = 0.0
        self._spoke_at_s = self._echoed_at_s = self._compared_at_s = float("-inf")
        self._spoken: deque[str] = deque(maxlen=WORDS_REMEMBERED)

    def said(self, word: str) -> None:
        """The agent says this word now."""
        self._spoken.extend(word.split())

    def is_startling(self, frame: rtc.AudioFrame) -> bool:
        """Whether a part of a frame is enough to turn the agent down. Asked of every part in order, on any thread."""
        self._first_sound.add(float_from_pcm(bytes(frame.data)), rate_hz=frame.sample_rate)
        is_undisturbed = self._playout.is_speaking and self._playout.stance is Stance.SPEAK
        return is_undisturbed and self._first_sound.is_loud

    def startled(self) -> None:
        """Something `is_startling`. A microphone that is known to hear the agent may have heard just that."""
        if self._playout.is_speaking and not self._echo.is_known:
            self._playout.take(give_way(self._playout.stance, Evidence(is_loud=True), self._patience))

    def frame(self, frame: rtc.AudioFrame) -> None:
        """The next frame of the caller's microphone."""
        audio, rate_hz = float_from_pcm(bytes(frame.data)), frame.sample_rate
        self._sound.add(audio, rate_hz=rate_hz)
        if self._playout.is_speaking:
            self._spoke_at_s = self._clock()
            self._echo.hear(audio, rate_hz=rate_hz, at_s=self._spoke_at_s)
            self._consider()

    def voice(self, event: vad.VADEvent) -> None:
        """What the voice activity detector finds: its opinion of each window counts."""
        if event.type is not vad.VADEventType.INFERENCE_DONE:
            return
        is_speech = event.probability >= (STILL_SPEECH if self._speech_s else SPEECH)
        length_s = sum(frame.duration for frame in event.frames)
        self._speech_s = self._speech_s + length_s if is_speech else 0.0
        if self._playout.is_speaking:
            self._consider()

    def transcript(self, event: stt.SpeechEvent) -> bool:
        """Whether a transcript is for the agent. While the agent speaks, only words that stop it are."""
        if not self._playout.is_speaking:
            return event.type not in TEXTS or not is_echoed(event.alternatives[0].text.split(), self._own_words())
        if event.type is stt.SpeechEventType.RECOGNITION_USAGE and self._playout.stance is Stance.HOLD:
            self._nothing_said()
        if event.type not in TEXTS:
            return True
        if not self._is_meant(event):
            return False
        self._playout.take(Stance.STOP)
        self._stop()
        return True

    def _is_meant(self, event: stt.SpeechEvent) -> bool:
        words = event.alternatives[0]
        return is_meant(
            words.text,
            confidence=words.confidence,
            is_final=event.type is stt.SpeechEventType.FINAL_TRANSCRIPT,
            is_voiced=self._playout.stance is Stance.HOLD,
            spoken=self._own_words(),
            is_echoing=self._clock() - self._echoed_at_s < ECHO_TAIL_S,
        )

    def _own_words(self) -> Sequence[str]:
        """What the microphone may just have heard the agent say."""
        is_possible = self._echo.is_known and self._clock() - self._spoke_at_s < ECHO_TAIL_S
        return tuple(self._spoken) if is_possible else ()

    def _nothing_said(self) -> None:
        """An utterance is over, and none of its words were for the agent."""
        if not self._speech_s:
            self._playout.take(Stance.SPEAK)

    def _consider(self) -> None:
        sound = self._sound
        evidence = Evidence(sound.sound_s, self._speech_s, sound.quiet_s, sound.is_loud, is_echo=self._is_echo())
        self._playout.take(give_way(self._playout.stance, evidence, self._patience))

    def _is_echo(self) -> bool:
        now_s = self._clock()
        if now_s - self._compared_at_s >= COMPARE_EVERY_S:
            self._compared_at_s = now_s
            if self._echo.explains(sound_s=max(self._sound.sound_s, self._speech_s), at_s=now_s):
                self._echoed_at_s = now_s
        return now_s - self._echoed_at_s < ECHO_DOUBT_S
