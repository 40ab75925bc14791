"""Clauses that were spoken before, as audio: greetings, house lines and answers that many callers get."""

from collections import OrderedDict
from dataclasses import replace

from plugins.piper.model import Speech
from plugins.server.metrics import TTS_REPEATED

REPERTOIRE_BYTES = 32 * 2**20

Pieces = tuple[Speech, ...]


class Repertoire:
    """At most `limit_bytes` of speech by one voice; what was not wanted for longest goes first."""

    def __init__(self, limit_bytes: int = REPERTOIRE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._speeches: OrderedDict[tuple[str, float], Pieces] = OrderedDict()
        self._used_bytes = 0

    def recall(self, clause: str, *, speed: float) -> Pieces:
        """The clause as it was spoken before, whatever spaces stood around it; nothing if it was not."""
        key = (clause.strip(), speed)
        if not (pieces := self._speeches.get(key)):
            return ()
        self._speeches.move_to_end(key)
        TTS_REPEATED.inc()
        return tuple(replace(piece, text=clause) for piece in pieces)

    def learn(self, clause: str, pieces: Pieces, *, speed: float) -> None:
        """Keep what was just spoken, unless it is larger than everything may be."""
        key = (clause.strip(), speed)
        if not pieces or key in self._speeches or _size_bytes(pieces) > self._limit_bytes:
            return
        self._speeches[key] = pieces
        self._used_bytes += _size_bytes(pieces)
        while self._used_bytes > self._limit_bytes:
            _, oldest = self._speeches.popitem(last=False)
            self._used_bytes -= _size_bytes(oldest)


def _size_bytes(pieces: Pieces) -> int:
    return sum(piece.audio.nbytes for piece in pieces)
