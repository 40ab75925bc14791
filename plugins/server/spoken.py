"""Clauses that were spoken before, as audio: greetings, house lines and answers that many callers get."""

from collections import OrderedDict
from dataclasses import replace

from plugins.piper.model import Speech
from plugins.server.metrics import TTS_REPEATED

REPERTOIRE_BYTES = 32 * 2**20


class Repertoire:
    """At most `limit_bytes` of speech by one voice; what was not wanted for longest goes first."""

    def __init__(self, limit_bytes: int = REPERTOIRE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._speeches: OrderedDict[tuple[str, float], Speech] = OrderedDict()
        self._used_bytes = 0

    def recall(self, clause: str, *, speed: float) -> Speech | None:
        """The clause as it was spoken before, whatever spaces stood around it."""
        key = (clause.strip(), speed)
        if not (speech := self._speeches.get(key)):
            return None
        self._speeches.move_to_end(key)
        TTS_REPEATED.inc()
        return replace(speech, text=clause)

    def learn(self, clause: str, speech: Speech, *, speed: float) -> None:
        """Keep what was just spoken, unless it is larger than everything may be."""
        key = (clause.strip(), speed)
        if key in self._speeches or speech.audio.nbytes > self._limit_bytes:
            return
        self._speeches[key] = speech
        self._used_bytes += speech.audio.nbytes
        while self._used_bytes > self._limit_bytes:
            _, oldest = self._speeches.popitem(last=False)
            self._used_bytes -= oldest.audio.nbytes
