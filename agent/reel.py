"""One stretch of the agent's speech: its samples, how far they were sent, and how loud they leave. No clock."""

import numpy as np

from plugins.audio import Int16

STEP_S = 0.01
"""The room's audio comes and goes in steps of this length."""
LOOK_BACK_S = 0.35
"""How far before a moment a pause to begin again from is looked for."""


class Reel:
    """16-bit mono samples at `rate_hz` that are played, taken back, and played again at another loudness."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.step = round(STEP_S * rate_hz)
        self.position = 0
        self.is_complete = False
        self._pcm = bytearray()
        self._gain = self._target = 1.0
        self._slope = 0.0

    @property
    def length(self) -> int:
        """Samples of the speech so far."""
        return len(self._pcm) // 2

    @property
    def ready(self) -> int:
        """Samples that can be sent now: whole steps, or all that is left once the speech is complete."""
        left = self.length - self.position
        return left if self.is_complete else left // self.step * self.step

    def add(self, pcm: bytes) -> None:
        """Append synthesized speech."""
        self._pcm += pcm

    def next(self, samples: int) -> Int16:
        """The next `samples`, or fewer, at the present loudness; the very end is filled up to a whole step."""
        piece = self._between(self.position, self.position + min(samples, self.ready))
        self.position += piece.size
        return np.pad(self._faded(piece), (0, -piece.size % self.step))

    def take_back(self, samples: int) -> None:
        """The last `samples` that were sent have not been heard and are sent again."""
        self.position = max(0, self.position - samples)

    def fade(self, gain: float, *, over_s: float) -> None:
        """From here on, become as loud as `gain` (of 1) within `over_s`."""
        self._target = gain
        self._slope = abs(gain - self._gain) / max(1, round(over_s * self.rate_hz))

    def rewind(self, position: int) -> None:
        """Begin again in the pause, or at the quietest place, shortly before `position`."""
        start = max(0, position - round(LOOK_BACK_S * self.rate_hz))
        steps = (min(position, self.position) - start) // self.step
        if steps < 1:
            self.position = min(position, self.position)
            return
        levels = np.abs(self._between(start, start + steps * self.step).astype(np.int32)).reshape(steps, -1).max(axis=1)
        latest = steps - 1 - int(np.argmin(levels[::-1]))
        self.position = start + latest * self.step

    def _between(self, start: int, end: int) -> Int16:
        return np.frombuffer(bytes(self._pcm[2 * start : 2 * end]), dtype="<i2")

    def _faded(self, piece: Int16) -> Int16:
        if self._gain == self._target == 1.0 or not piece.size:
            return piece
        ramp = np.arange(1, piece.size + 1) * self._slope
        if self._target < self._gain:
            gains = np.maximum(self._gain - ramp, self._target)
        else:
            gains = np.minimum(self._gain + ramp, self._target)
        self._gain = float(gains[-1])
        return (piece * gains).astype(np.int16)
