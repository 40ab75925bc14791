"""When a piece of speech is needed: at once if its listener hears nothing, else before what they hear runs out."""

MARGIN_S = 0.25
"""Time to make a piece and bring it to its listener: pieces due sooner go before answers that have not begun."""


class Playback:
    """One stream of speech at its listener, who plays every piece when it comes or when the one before is over.

    All times are on the same clock. `due_in_s`: for so long the listener is still busy with earlier speech.
    """

    def __init__(self, *, now_s: float, due_in_s: float = 0.0) -> None:
        self._runs_out_s = now_s + due_in_s

    def deadline_s(self, *, now_s: float) -> float:
        """When the next piece should be worked on at the latest."""
        return now_s if self._runs_out_s <= now_s else self._runs_out_s - MARGIN_S

    def add(self, length_s: float, *, now_s: float) -> None:
        """A piece of this length is on its way."""
        self._runs_out_s = max(self._runs_out_s, now_s) + length_s
