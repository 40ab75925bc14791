"""The calls that run now with their newest turns, and the last hours minute by minute. Numbers and ids alone.

There is no clock here: whoever tells something says when it was, in seconds since 1970.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.correlation import Door

Json = dict[str, Any]

TURNS_KEPT = 20
MINUTES_KEPT = 180
TIMES_KEPT = 1000
MINUTE_S = 60
STAYS_S = 120.0
"""How long a conversation over HTTP is shown after its newest turn: nothing of it is open between two requests."""
MOST_OVER_HTTP = 30


@dataclass
class Call:
    """One call: how long it has run, and its newest turns as their agent told them."""

    id: str
    door: Door
    since_s: float
    ears: int = 0
    """Open transcription sockets; a new one is opened before a broken one is closed. None over HTTP."""
    told_s: float = 0.0
    """When its newest turn was told."""
    turns: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=TURNS_KEPT))


class Calls:
    """Every call that has a transcription socket, and the conversations over HTTP whose last turn is not long ago."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def begin(self, call_id: str, door: Door, *, now_s: float) -> None:
        """A socket of the call was opened."""
        call = self._calls.setdefault(call_id, Call(call_id, door, now_s))
        call.ears += 1

    def end(self, call_id: str) -> None:
        """A socket of the call was closed; with its last one the call is over."""
        call = self._calls[call_id]
        call.ears -= 1
        if not call.ears:
            del self._calls[call_id]

    def turn(self, call_id: str, told: Json, *, now_s: float) -> None:
        """A turn of the call is finished."""
        if told.get("door") == "http":
            self._calls.setdefault(call_id, Call(call_id, "http", now_s))
        if call := self._calls.get(call_id):
            call.told_s = now_s
            call.turns.append({"at_s": round(now_s, 3), **told})
        self._forget_quiet(now_s)

    def _forget_quiet(self, now_s: float) -> None:
        """Drop conversations over HTTP that seem to be over, and those that are too many."""
        over_http = sorted((call for call in self._calls.values() if not call.ears), key=lambda call: -call.told_s)
        for place, call in enumerate(over_http):
            if place >= MOST_OVER_HTTP or call.told_s < now_s - STAYS_S:
                del self._calls[call.id]

    def described(self, *, now_s: float) -> list[Json]:
        """All calls that say who they are, oldest first; of each its turns, newest last."""
        self._forget_quiet(now_s)
        return [
            {"id": call.id, "door": call.door, "since_s": round(call.since_s, 3), "turns": list(call.turns)}
            for call in self._calls.values()
            if call.id
        ]


@dataclass
class Minute:
    """What happened in one minute."""

    turns: int = 0
    answered_ms: list[float] = field(default_factory=list[float])
    errors: Counter[str] = field(default_factory=Counter[str])


class Recent:
    """The last `MINUTES_KEPT` minutes, those in which nothing happened left out."""

    def __init__(self) -> None:
        self._minutes: dict[int, Minute] = {}

    def turn(self, stages_ms: Mapping[Any, float], *, now_s: float) -> None:
        """A turn was finished."""
        minute = self._minute(now_s)
        minute.turns += 1
        if "answered" in stages_ms and len(minute.answered_ms) < TIMES_KEPT:
            minute.answered_ms.append(stages_ms["answered"])

    def error(self, kind: str, *, now_s: float, times: int = 1) -> None:
        """Something could not be done."""
        self._minute(now_s).errors[kind] += times

    def _minute(self, now_s: float) -> Minute:
        number = int(now_s // MINUTE_S)
        for old in [each for each in self._minutes if each <= number - MINUTES_KEPT]:
            del self._minutes[old]
        return self._minutes.setdefault(number, Minute())

    def described(self, *, now_s: float) -> Json:
        """Each minute by its beginning, oldest first."""
        first = int(now_s // MINUTE_S) - MINUTES_KEPT + 1
        kept = [(number, minute) for number, minute in sorted(self._minutes.items()) if number >= first]
        return {
            "now_s": round(now_s, 3),
            "span_s": MINUTES_KEPT * MINUTE_S,
            "minutes": [_described(number, minute) for number, minute in kept],
        }


def _described(number: int, minute: Minute) -> Json:
    times = sorted(minute.answered_ms)
    return {
        "at_s": number * MINUTE_S,
        "turns": minute.turns,
        "median_ms": _quantile(times, 0.5),
        "slow_ms": _quantile(times, 0.95),
        "errors": dict(minute.errors),
    }


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
