"""Who owns which KV sequence, and what each one has read. Only books: `Cells` moves what they are about."""

from bisect import bisect_left
from dataclasses import dataclass, field

WORTH_SHARING_TOKENS = 32
"""A common beginning shorter than this is read again rather than kept."""


@dataclass(eq=False)
class Sequence:
    """One KV sequence: `length` tokens of `tokens` are in the model's memory."""

    number: int
    tokens: list[int] = field(default_factory=list[int])
    length: int = 0
    call_id: str | None = None
    running: bool = False
    used: int = 0
    """When it was last claimed or released, on the books' own clock."""

    def prefix(self, tokens: list[int]) -> int:
        """How many of the first `tokens` this sequence has already read."""
        return common_prefix(self.tokens, tokens, limit=self.length)


@dataclass(frozen=True)
class Claim:
    """A sequence for a request: cells from `kept` on are dropped, then `donor`'s cells up to `start` are copied."""

    sequence: Sequence
    kept: int
    start: int
    donor: Sequence | None


class Sequences:
    """`slots` sequences for requests and calls, and one that keeps the beginning that different calls share.

    `partial` says whether a sequence can be cut back and copied in part; a recurrent model's can not.
    """

    def __init__(self, slots: int, *, partial: bool = True) -> None:
        self._slots = [Sequence(number) for number in range(slots)]
        self.shared = Sequence(slots)
        self._partial = partial
        self._clock = 0
        self._previous: tuple[str | None, list[int]] = (None, [])

    @property
    def calls_kept(self) -> int:
        """Sequences that wait for their call's next turn."""
        return sum(s.call_id is not None and not s.running for s in self._slots)

    def free(self, call_id: str | None) -> Sequence | None:
        """The call's own sequence if it has one, else an empty one or what was idle longest; None if all work."""
        own = self.of_call(call_id) if call_id is not None else None
        if own:
            return None if own.running else own
        idle = [s for s in self._slots if not s.running]
        return min(idle, key=lambda s: (s.length > 0, s.used), default=None)

    def claim(self, sequence: Sequence, tokens: list[int], call_id: str | None) -> Claim:
        """Give a free sequence to a prompt.

        At least the last token is left to be read, since only that tells what comes next.
        """
        most = len(tokens) - 1
        kept = self._kept(sequence, tokens, most)
        donor, start = self._donor(sequence, tokens, kept)
        sequence.tokens, sequence.length = tokens, min(start, most)
        sequence.call_id, sequence.running = call_id, True
        self._touch(sequence)
        return Claim(sequence, kept, sequence.length, donor)

    def release(self, sequence: Sequence) -> None:
        """Its request is over. What a call has read is kept for its next turn; anything else is to be wiped."""
        sequence.running = False
        sequence.tokens = sequence.tokens[: sequence.length]
        self._touch(sequence)
        if sequence.call_id is None:
            self.forget(sequence)

    def of_call(self, call_id: str) -> Sequence | None:
        """The sequence that belongs to a call."""
        return next((s for s in self._slots if s.call_id == call_id), None)

    def forget(self, sequence: Sequence) -> None:
        """Nothing is known of a sequence any more, except whether it is at work; its cells are to be wiped."""
        sequence.tokens, sequence.length, sequence.call_id = [], 0, None

    def idlest_call(self) -> Sequence | None:
        """Of the sequences that hold something for nobody at work, the one that was idle longest."""
        idle = [s for s in self._slots if not s.running and s.length]
        return min(idle, key=lambda s: s.used, default=None)

    def idle_beginning(self) -> Sequence | None:
        """The shared beginning, if there is one."""
        return self.shared if self.shared.length else None

    def known(self, tokens: list[int]) -> int:
        """How much of `tokens` some sequence has read."""
        return max(s.prefix(tokens) for s in (*self._slots, self.shared)) if self._partial else 0

    def forget_all(self) -> None:
        """The model's memory was cleared."""
        for sequence in (*self._slots, self.shared):
            self.forget(sequence)

    def beginning_to_share(self, tokens: list[int], call_id: str | None) -> int:
        """How much of this prompt another call began with too and the shared sequence does not hold yet."""
        (previous_call, previous), self._previous = self._previous, (call_id, tokens)
        if not self._partial or (call_id is not None and call_id == previous_call):
            return 0
        common = common_prefix(previous, tokens)
        known = self.shared.prefix(tokens)
        return common if common >= WORTH_SHARING_TOKENS and common > known else 0

    def share(self, tokens: list[int]) -> None:
        """The shared sequence now holds `tokens`."""
        self.shared.tokens, self.shared.length = tokens, len(tokens)

    def _kept(self, sequence: Sequence, tokens: list[int], most: int) -> int:
        common = min(sequence.prefix(tokens), most)
        return common if self._partial or common == sequence.length else 0

    def _donor(self, sequence: Sequence, tokens: list[int], kept: int) -> tuple[Sequence | None, int]:
        """The sequence that has read most of `tokens`, and how much, if that is worth copying."""
        if not self._partial:
            return None, kept
        others = [(s.prefix(tokens), s) for s in (*self._slots, self.shared) if s is not sequence and s.length]
        start, donor = max(others, key=lambda other: other[0], default=(0, None))
        return (donor, start) if start >= kept + WORTH_SHARING_TOKENS else (None, kept)

    def _touch(self, sequence: Sequence) -> None:
        self._clock += 1
        sequence.used = self._clock


def common_prefix(first: list[int], second: list[int], *, limit: int | None = None) -> int:
    """Length of the longest common beginning, at most `limit`."""
    most = min(len(first), len(second), len(first) if limit is None else limit)
    if first[:most] == second[:most]:
        return most
    return bisect_left(range(most), True, key=lambda i: first[: i + 1] != second[: i + 1])
