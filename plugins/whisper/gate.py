"""Which audio reaches Whisper: speech with a little before it, never silence. No clock, no waiting.

The voice activity detector's windows go in; commands for the engine come out. At the first short silence the
transcript so far is asked for, and what follows is held back: if the speech goes on it is sent after all, and if the
utterance ends there the engine already has its transcript.
"""

from collections import deque
from dataclasses import dataclass

SAMPLE_RATE_HZ = 16_000
BYTES_PER_S = 2 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Start:
    """An utterance begins, so many seconds after the stream did."""

    at_s: float


@dataclass(frozen=True)
class Audio:
    """16 kHz 16-bit mono PCM of the open utterance."""

    pcm: bytes


@dataclass(frozen=True)
class Preflight:
    """The speech may be over: a transcript of everything so far is wanted."""


@dataclass(frozen=True)
class Resume:
    """The speech went on after all."""


@dataclass(frozen=True)
class End:
    """The utterance is over."""


Command = Start | Audio | Preflight | Resume | End


@dataclass(frozen=True)
class GateSettings:
    """Durations in seconds."""

    pre_roll_s: float = 0.45
    """Audio before the detector's start of speech, which itself comes about 0.06 s late."""
    preflight_silence_s: float = 0.08
    soft_limit_s: float = 20.0
    """From this length on an utterance is divided at the next short silence."""
    hard_limit_s: float = 28.0


USUAL_GATE = GateSettings()


class SpeechGate:
    """Feed it every window of the detector, and its starts and ends of speech."""

    def __init__(self, settings: GateSettings = USUAL_GATE) -> None:
        self._settings = settings
        self._before: deque[bytes] = deque()
        self._before_bytes = 0
        self._heard_bytes = 0
        self._sent_bytes = 0
        self._held: list[bytes] | None = None
        self.is_open = False

    def window(self, pcm: bytes, *, silence_s: float) -> list[Command]:
        """A stretch of audio, and how long there has been silence at its end."""
        self._heard_bytes += len(pcm)
        if not self.is_open:
            self._remember(pcm)
            return []
        if self._held is not None:
            return self._after_preflight(pcm, silence_s)
        self._sent_bytes += len(pcm)
        commands: list[Command] = [Audio(pcm)]
        if silence_s >= self._settings.preflight_silence_s:
            self._held = []
            commands.append(Preflight())
        return commands + self._divided(silence_s)

    def start(self) -> list[Command]:
        """The detector heard speech begin: open, with what was heard just before."""
        if self.is_open:
            return []
        pcm = b"".join(self._before)
        self._before.clear()
        self._before_bytes = 0
        return self._opened(pcm)

    def end(self) -> list[Command]:
        """The detector heard speech end, or the stream is over."""
        if not self.is_open:
            return []
        for pcm in self._held or ():
            self._remember(pcm)
        self.is_open, self._held = False, None
        return [End()]

    def _opened(self, pcm: bytes) -> list[Command]:
        self.is_open, self._held, self._sent_bytes = True, None, len(pcm)
        start = Start((self._heard_bytes - len(pcm)) / BYTES_PER_S)
        return [start, Audio(pcm)] if pcm else [start]

    def _after_preflight(self, pcm: bytes, silence_s: float) -> list[Command]:
        held = [*(self._held or ()), pcm]
        if silence_s > 0:
            self._held = held
            return []
        self._held = None
        resumed = b"".join(held)
        self._sent_bytes += len(resumed)
        return [Resume(), Audio(resumed)]

    def _divided(self, silence_s: float) -> list[Command]:
        """A very long utterance ends here and another begins."""
        length_s = self._sent_bytes / BYTES_PER_S
        is_long = length_s >= self._settings.soft_limit_s and silence_s > 0
        if not is_long and length_s < self._settings.hard_limit_s:
            return []
        return [End(), *self._opened(b"")]

    def _remember(self, pcm: bytes) -> None:
        self._before.append(pcm)
        self._before_bytes += len(pcm)
        while self._before_bytes - len(self._before[0]) >= self._settings.pre_roll_s * BYTES_PER_S:
            self._before_bytes -= len(self._before.popleft())
