"""What the loop has done so far: read by others from any thread, and told to the metrics."""

from plugins.llama.generation import Load, Usage
from plugins.server.metrics import BATCH

SIZES_AT_ONCE = 64
"""Steps of which the metrics are told at once, or when there is nothing to do: one by one takes ten times as long."""
_ANSWERS_AT_ONCE = BATCH.labels(model="llama")


class Tally:
    """Sums over all steps and answers. Written by the loop's thread alone."""

    def __init__(self) -> None:
        self._steps = self._prompt_tokens = self._cached_tokens = self._completion_tokens = 0
        self._busy_s = self._squares_s2 = 0.0
        self._sizes = list[int]()

    def step(self, *, answers: int, duration_s: float) -> None:
        """One step was taken for so many answers."""
        self._steps += 1
        self._busy_s += duration_s
        self._squares_s2 += duration_s**2
        self._sizes.append(answers)
        if len(self._sizes) == SIZES_AT_ONCE:
            self.tell()

    def tell(self) -> None:
        """Let the metrics know of the steps that they have not heard of."""
        for size in self._sizes:
            _ANSWERS_AT_ONCE.observe(size)
        self._sizes.clear()

    def answer(self, usage: Usage) -> None:
        """An answer is over, whatever became of it."""
        self._prompt_tokens += usage.prompt_tokens
        self._cached_tokens += usage.cached_tokens
        self._completion_tokens += usage.completion_tokens

    def load(self, *, running: int, waiting: int, calls_kept: int, calls_shelved: int) -> Load:
        """A snapshot, with what the loop has in hand now."""
        return Load(
            running=running,
            waiting=waiting,
            calls_kept=calls_kept,
            calls_shelved=calls_shelved,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            completion_tokens=self._completion_tokens,
            steps=self._steps,
            busy_s=self._busy_s,
            squares_s2=self._squares_s2,
        )
