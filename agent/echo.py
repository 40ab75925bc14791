"""Does the microphone hear the agent? The sound there is compared with what was played shortly before.

Everything is compared at 4 kHz with its low notes weakened: voices differ least in those. A loudspeaker's way back to
the agent takes about as long each time, so once it is known much less likeness is needed to recognise it.
"""

import numpy as np

from plugins.audio import Float

RATE_HZ = 4_000
LONGEST_WAY_S = 0.6
"""Echo that takes longer is not recognised."""
SPAN_S = 0.25
"""The sound that is compared, up to now."""
STRANGE_SPAN_S = 0.2
FAMILIAR_SPAN_S = 0.1
"""The least that is compared, before and after the way of an echo is known."""
STRANGE = 0.6
"""Likeness from which a sound is the agent's own, whichever way it came."""
FAMILIAR = 0.45
"""The same for a sound that came the way of an earlier echo."""
JITTER_S = 0.04
"""By how much the way of an echo differs from time to time."""
KEPT_S = 2.0
UNEVEN_S = 0.1
"""By how much frames may come earlier or later than the ones before them were over."""


class Timeline:
    """The last seconds of a sound at 4 kHz, placed by the time at which each sample is heard."""

    def __init__(self) -> None:
        self._samples: Float = np.zeros(round(KEPT_S * RATE_HZ), np.float32)
        self._end = 0

    @property
    def end_s(self) -> float:
        """When the last of it is heard."""
        return self._end / RATE_HZ

    def put(self, audio: Float, *, rate_hz: int, at_s: float) -> None:
        """`audio` is heard from `at_s` on; whatever was to be heard then is not."""
        samples = _lowered(audio, rate_hz)
        start = round(at_s * RATE_HZ)
        self.cut(at_s)
        self._write(start, samples)
        self._end = start + samples.size

    def cut(self, at_s: float) -> None:
        """Nothing more is heard from `at_s` on."""
        now = round(at_s * RATE_HZ)
        if now < self._end:
            self._write(now, np.zeros(min(self._end - now, self._samples.size), np.float32))
        elif now - self._end < self._samples.size:
            self._write(self._end, np.zeros(now - self._end, np.float32))
        else:
            self._samples[:] = 0.0
        self._end = now

    def before(self, at_s: float, seconds: float) -> Float:
        """The `seconds` of sound that end at `at_s`."""
        end = round(at_s * RATE_HZ)
        places = np.arange(end - round(seconds * RATE_HZ), end)
        found = self._samples[places % self._samples.size]
        return np.where((places < self._end) & (places >= self._end - self._samples.size), found, 0.0)

    def _write(self, start: int, samples: Float) -> None:
        """Around the end of the array, to its beginning."""
        kept = self._samples.size
        at = (start + max(0, samples.size - kept)) % kept
        samples = samples[-kept:]
        before_end = min(samples.size, kept - at)
        self._samples[at : at + before_end] = samples[:before_end]
        self._samples[: samples.size - before_end] = samples[before_end:]


class Echo:
    """Compares the microphone with what was played, and remembers the way an echo took."""

    def __init__(self, played: Timeline) -> None:
        self._played = played
        self._heard = Timeline()
        self._way: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the microphone was ever found to hear the agent."""
        return self._way is not None

    def hear(self, audio: Float, *, rate_hz: int, at_s: float) -> None:
        """Take in a frame of the microphone that arrived at `at_s`; frames join even if they come unevenly."""
        start_s = at_s - audio.size / rate_hz
        if abs(start_s - self._heard.end_s) < UNEVEN_S:
            start_s = self._heard.end_s
        self._heard.put(audio, rate_hz=rate_hz, at_s=start_s)

    def explains(self, *, sound_s: float, at_s: float) -> bool:
        """Whether the last `sound_s` of sound up to `at_s` came from the agent."""
        if sound_s <= 0 or (not self.is_known and sound_s < STRANGE_SPAN_S):
            return False
        span_s = min(SPAN_S, max(FAMILIAR_SPAN_S, sound_s))
        likeness = self._likeness(span_s, min(at_s, self._heard.end_s))
        best = int(np.argmax(likeness))
        if sound_s >= STRANGE_SPAN_S and likeness[best] >= STRANGE:
            self._way = best
            return True
        return self.is_known and float(self._near_known_way(likeness).max()) >= FAMILIAR

    def _near_known_way(self, likeness: Float) -> Float:
        reach = round(JITTER_S * RATE_HZ)
        way = self._way or 0
        return likeness[max(0, way - reach) : way + reach]

    def _likeness(self, span_s: float, at_s: float) -> Float:
        """How alike the microphone's last `span_s` is to what was played, for every delay from none to the longest."""
        here = np.diff(self._heard.before(at_s, span_s))
        there = np.diff(self._played.before(at_s, span_s + LONGEST_WAY_S))
        size = 1 << there.size.bit_length()
        products = np.fft.irfft(np.fft.rfft(there, size) * np.conj(np.fft.rfft(here, size)), size)
        power = np.cumsum(np.concatenate([[0.0], there.astype(np.float64) ** 2]))
        lags = there.size - here.size + 1
        norms = np.sqrt(np.maximum(power[here.size : here.size + lags] - power[:lags], 0.0) * float(here @ here))
        alike = np.abs(products[:lags]) / np.maximum(norms, 1e-6)
        return alike[::-1].astype(np.float32)


def _lowered(audio: Float, rate_hz: int) -> Float:
    """`audio` at 4 kHz: the mean of every so many samples. Rates are multiples of it."""
    width = rate_hz // RATE_HZ
    whole = audio[: audio.size // width * width]
    return np.add.reduce(whole.reshape(-1, width), axis=1) / width
