"""One answer on its way out: bytes to characters, stop strings cut, tool calls picked out."""

from plugins.llama.generation import Delta
from plugins.llama.text import Characters, Stops
from plugins.llama.toolcalls import Listener, NoCalls, ToolCall


class Output:
    """Given the bytes of each token, tells what may be shown so far.

    `decides`: whether the text can end the answer or change what may follow, so that every token must be looked at.
    """

    def __init__(self, *, stops: tuple[str, ...], listener: Listener) -> None:
        self.decides = bool(stops) or not isinstance(listener, NoCalls)
        self._pieces = list[bytes]()
        self._characters = Characters()
        self._stops = Stops(stops)
        self._listener = listener
        self._called = False

    @property
    def stopped(self) -> bool:
        """Whether a stop string was reached."""
        return self._stops.reached

    @property
    def in_call(self) -> str | None:
        """What the model has written of a tool call that is not closed yet, None outside of calls."""
        return self._listener.inside

    @property
    def called(self) -> bool:
        """Whether any tool was called."""
        return self._called

    def add(self, piece: bytes) -> None:
        """The bytes of one more token."""
        self._pieces.append(piece)

    def said(self) -> Delta | None:
        """What the tokens since the last time add, if anything."""
        if text := self._stops.feed(self._new_characters()):
            return self._delta(*self._listener.feed(text))
        return None

    def finish(self) -> Delta | None:
        """What was held back, now that the answer is over."""
        rest = self._stops.feed(self._new_characters() + self._characters.finish()) + self._stops.finish()
        text, calls = self._listener.feed(rest)
        late_text, late_calls = self._listener.finish()
        return self._delta(text + late_text, calls + late_calls)

    def _new_characters(self) -> str:
        pieces, self._pieces = self._pieces, []
        return self._characters.feed(b"".join(pieces))

    def _delta(self, text: str, calls: list[ToolCall]) -> Delta | None:
        if calls:
            self._called = True
        return Delta(text, tuple(calls)) if text or calls else None
