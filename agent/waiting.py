"""What somebody hears who waits in a room for a line, and when. No clocks, no rooms: `agent/hold.py` has those."""

from dataclasses import dataclass
from typing import Literal

AGAIN_S = 20.0
"""Quiet after which a place is told again."""
ABSENT_S = 10.0
"""A caller who is away for so long has gone; LiveKit starts again in less."""

NUMBERS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
THANKS = "Thank you for waiting."
CLOSED = "I am sorry, we cannot take your call now. Please call again later."

Step = Literal["leave", "move", "ask", "tell", "listen"]


def place_notice(place: int) -> str:
    """What tells a caller their place in line, from 1."""
    return f"You are number {NUMBERS[min(place, len(NUMBERS)) - 1]} in line. Please stay on the line."


def notices(max_waiting: int) -> tuple[str, ...]:
    """Everything that is said to those who wait, where so many may."""
    return (*(place_notice(place) for place in range(1, max_waiting + 1)), CLOSED) if max_waiting else ()


@dataclass
class Wait:
    """One caller's wait, from the moment `seen_s`. Times are in seconds, on any clock."""

    seen_s: float
    _told_place: int = 0
    _told_s: float = 0.0

    def next_step(self, *, place: int | None, is_here: bool, is_line_free: bool, now_s: float) -> Step:
        """What to do now. `place` is None for whoever is not to wait in this process any longer.

        `leave`: the caller has gone. `move`: leave the caller to another process. `ask` whether the caller may have
        the free line. `tell` the place, which is then taken to be told. `listen`: nothing.
        """
        if is_here:
            self.seen_s = now_s
        if now_s - self.seen_s >= ABSENT_S:
            return "leave"
        if place is None:
            return "move"
        if not is_here:
            return "listen"
        if place == 1 and is_line_free:
            return "ask"
        if place == self._told_place and now_s - self._told_s < AGAIN_S:
            return "listen"
        self._told_place, self._told_s = place, now_s
        return "tell"
