"""How much of a step may go to reading prompts, so that those who are being answered do not stall."""

STEP_BESIDE_ANSWERS_S = 0.05
STEP_ALONE_S = 0.15
"""Also the longest that a cancelled prompt keeps the model busy."""

SMALLEST_TOKENS = 16
_INERTIA = 0.8


class Pace:
    """Learns what reading a token costs and turns the time for a step into a number of tokens."""

    def __init__(self, *, most_tokens: int) -> None:
        self._most = most_tokens
        self._cost_s: float | None = None

    def learn(self, *, tokens: int, duration_s: float) -> None:
        """A step that read `tokens` tokens of prompts took this long. Small ones say little and are ignored."""
        if tokens < SMALLEST_TOKENS:
            return
        cost_s = duration_s / tokens
        self._cost_s = cost_s if self._cost_s is None else _INERTIA * self._cost_s + (1 - _INERTIA) * cost_s

    def tokens(self, *, answering: bool) -> int:
        """Prompt tokens for the next step. `answering`: somebody waits for their next token meanwhile."""
        budget_s = STEP_BESIDE_ANSWERS_S if answering else STEP_ALONE_S
        if self._cost_s is None:
            return min(self._most, 4 * SMALLEST_TOKENS)
        return max(min(SMALLEST_TOKENS, self._most), min(self._most, int(budget_s / self._cost_s)))


def share_out(pending: list[int], budget: int) -> list[int]:
    """How many tokens each prompt, most urgent first, may read of a budget."""
    shares: list[int] = []
    for tokens in pending:
        shares.append(min(tokens, budget))
        budget -= shares[-1]
    return shares
