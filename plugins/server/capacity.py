"""How many calls this machine carries: what one more would do to the time that callers wait for an answer.

Each model is a queue. What a call costs it is measured while calls run, as seconds at work per second of call. With
more calls the wait in each queue grows as queues do, and so does the time that everything takes on processors which the
engine shares with the calls' own processes, LiveKit and whatever else runs. What keeps the processors busy while nobody
calls does not grow with calls, and what comes in bursts (a process that starts for the next call) is soon over. That
growth is added to what callers waited for lately. There is no clock here: whoever measures says how much time has
passed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

MEMORY_CALL_S = 120.0
"""Seconds of call after which a measured cost counts for a third of what it did."""
SHARES = 120
"""Measurements that are kept: by then the oldest hardly count."""
USUAL = 0.8
"""The part of the time with calls that counts; in the busiest moments, which do not, processes start for others."""
RESTING = 0.5
"""The part of the time without calls that counts: in the rest of it calls end, documents are read in."""
ALONE_S = 60.0
"""Time without calls that tells what else the machine does, once it has started; before, it is taken to do nothing."""
TURN_MEMORY_S = 60.0
TURNS = 20
SLOW_TURN = 0.9
"""The share of turns that are answered at least as fast as the one that is held against the target."""
UNSEEN_MS = 200.0
"""What an agent cannot see of the heard latency: the way from the caller's mouth, and to the caller's ear."""
WORST_MS = 60_000.0
COMPUTING_MS = 250.0
"""What of a slow answer's time is computing, in whichever process: it takes longer where processors are busy."""


@dataclass(frozen=True)
class Work:
    """What one model has done, in seconds at work; somebody waited for `urgent_s` of them.

    `squares_s2` sums the squared durations: from it follows how long a piece still runs when the next one comes.
    """

    busy_s: float = 0.0
    urgent_s: float = 0.0
    squares_s2: float = 0.0

    def after(self, duration_s: float, *, is_urgent: bool) -> "Work":
        """One more piece of work."""
        return self.plus(Work(duration_s, duration_s if is_urgent else 0.0, duration_s**2))

    def plus(self, other: "Work", *, times: float = 1.0) -> "Work":
        """Both together; the other one counts `times` times."""
        return Work(
            self.busy_s + times * other.busy_s,
            self.urgent_s + times * other.urgent_s,
            self.squares_s2 + times * other.squares_s2,
        )


@dataclass(frozen=True)
class Turn:
    """What a caller waited for an answer, and how many calls there were."""

    heard_ms: float
    calls: int
    age_s: float = 0.0


@dataclass(frozen=True)
class Share:
    """Processors that were kept busy, for each call where there were calls, and how much it counts that they were."""

    cores: float
    weight: float


@dataclass
class Capacity:
    """Measures calls and says how many fit: at most `lines`, and no more than are answered within `target_ms`.

    The first call always fits. With a target of 0 as many fit as there are lines, and so they do while nothing has
    been measured yet.
    """

    lines: int
    target_ms: float
    cores: int = 1
    _shares: list[Share] = field(default_factory=list[Share])
    _others: list[Share] = field(default_factory=list[Share])
    _turns: list[Turn] = field(default_factory=list[Turn])
    _cores_alone: float = 0.0
    _cores_per_call: float = 0.0
    _call_s: float = 0.0
    _done: Mapping[str, Work] = field(default_factory=dict[str, Work])
    _lately: dict[str, Work] = field(default_factory=dict[str, Work])

    def learn(self, seconds: float, *, calls: int, done: Mapping[str, Work], processor_s: float = 0.0) -> None:
        """`seconds` have passed with `calls` calls; `done` is all that each model has done so far, by name.

        The machine's processors were busy for `processor_s` of them, all together.
        """
        aged = [replace(turn, age_s=turn.age_s + seconds) for turn in self._turns]
        self._turns = [turn for turn in aged if turn.age_s < TURN_MEMORY_S]
        if calls:
            kept = math.exp(-seconds * calls / MEMORY_CALL_S)
            self._call_s = kept * self._call_s + seconds * calls
            self._shares = [replace(share, weight=kept * share.weight) for share in self._shares[1 - SHARES :]]
            self._shares.append(Share(self._theirs(processor_s / seconds) / calls, seconds * calls))
            self._cores_per_call = quietest(self._shares, part=USUAL)
            for name, work in done.items():
                new = work.plus(self._done.get(name, Work()), times=-1)
                self._lately[name] = new.plus(self._lately.get(name, Work()), times=kept)
        elif seconds:
            self._others = [*self._others[1 - SHARES :], Share(processor_s / seconds, seconds)]
            is_known = sum(share.weight for share in self._others) >= ALONE_S
            self._cores_alone = quietest(self._others, part=RESTING) if is_known else 0.0
        self._done = dict(done)

    def answered(self, answered_ms: float, *, calls: int) -> None:
        """One of `calls` calls was answered so long after the caller's last sound, as far as its agent could see."""
        self._turns = [*self._turns, Turn(answered_ms + UNSEEN_MS, calls)][-TURNS:]

    def predicted_ms(self, calls: int) -> float | None:
        """The heard latency with `calls` calls, at most `WORST_MS`; `None` where nothing was measured."""
        turns = [turn for turn in self._turns if turn.calls <= calls]
        wait_ms = self._wait_ms(calls)
        if not turns:
            return None if wait_ms < WORST_MS else WORST_MS
        growth_ms = wait_ms - self._wait_ms(sum(turn.calls for turn in turns) / len(turns))
        return min(WORST_MS, slow(sorted(turn.heard_ms for turn in turns)) + max(0.0, growth_ms))

    def fits(self, calls: int) -> int:
        """How many calls fit in all, where `calls` run."""
        fitting = max(1, calls)
        while fitting < self.lines and self._carries(fitting + 1):
            fitting += 1
        return min(fitting, self.lines)

    def _carries(self, calls: int) -> bool:
        predicted_ms = self.predicted_ms(calls)
        return self.target_ms == 0 or predicted_ms is None or predicted_ms <= self.target_ms

    def _wait_ms(self, calls: float) -> float:
        """What an answer waits in all queues together, and for processors."""
        if not self._call_s:
            return 0.0
        load = calls / self._call_s
        waits_s = (wait_s(work, load=load) for work in self._lately.values() if work.busy_s > 0)
        busy = self._cores_alone + calls * self._cores_per_call
        return min(WORST_MS, 1000 * sum(waits_s) + COMPUTING_MS * crowding(busy, cores=self.cores))

    def _theirs(self, cores: float) -> float:
        """What the calls have of `cores` processors that are busy; others cannot keep more of them busy than are."""
        theirs = max(0.0, cores - self._cores_alone)
        if cores < self._cores_alone:
            self._others, self._cores_alone = [Share(cores, ALONE_S)], cores
        return theirs


def wait_s(work: Work, *, load: float) -> float:
    """The mean wait of an urgent request in a queue that gets `load` times `work` each second.

    It waits for the piece that runs, whatever that is, and for the urgent requests before it (M/G/1 with priorities).
    """
    urgent = load * work.urgent_s
    residual_s = work.squares_s2 / (2 * work.busy_s)
    return min(1.0, load * work.busy_s) * residual_s / (1 - urgent) if urgent < 1 else math.inf


def crowding(busy: float, *, cores: int) -> float:
    """How much longer than alone a computation takes where `busy` of `cores` are taken: 1 is twice as long.

    Processors are shared evenly; with more of them it is rarer that all are taken.
    """
    share = (busy / cores) ** cores
    return share / (1 - share) if share < 1 else math.inf


def quietest(shares: Sequence[Share], *, part: float) -> float:
    """The mean of the least of the shares that make up this `part` of their weight; 0 without any."""
    left = whole = part * sum(share.weight for share in shares)
    cores = 0.0
    for share in sorted(shares, key=lambda share: share.cores):
        cores += share.cores * min(share.weight, left)
        left = max(0.0, left - share.weight)
    return cores / whole if whole else 0.0


def slow(values: list[float]) -> float:
    """The value that a share of `SLOW_TURN` does not exceed, of values in order."""
    return values[math.ceil(SLOW_TURN * len(values)) - 1]
