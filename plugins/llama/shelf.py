"""Host memory for what calls have read, while the model's own memory is needed by others."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class Shelved:
    """A sequence outside of the model: what it had read, and llama.cpp's copy of its cells."""

    tokens: list[int]
    state: bytearray


class Shelf:
    """At most `limit_bytes` of shelved sequences, one for each call; what lies there longest goes first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._calls: OrderedDict[str, Shelved] = OrderedDict()
        self._used_bytes = 0

    def __len__(self) -> int:
        return len(self._calls)

    def takes(self, size_bytes: int) -> bool:
        """Whether something of this size may be put here at all."""
        return size_bytes <= self._limit_bytes

    def put(self, call_id: str, shelved: Shelved) -> None:
        """Keep a call's sequence, which the shelf `takes`."""
        self.take(call_id)
        self._calls[call_id] = shelved
        self._used_bytes += len(shelved.state)
        while self._used_bytes > self._limit_bytes:
            self.take(next(iter(self._calls)))

    def take(self, call_id: str | None) -> Shelved | None:
        """What was kept for a call, which is off the shelf then."""
        shelved = self._calls.pop(call_id, None) if call_id is not None else None
        if shelved:
            self._used_bytes -= len(shelved.state)
        return shelved
