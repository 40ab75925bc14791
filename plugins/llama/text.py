"""From the model's bytes to text that may be shown: whole characters, and nothing from a stop string on."""

from codecs import getincrementaldecoder

_Utf8 = getincrementaldecoder("utf-8")


class Characters:
    """Bytes in, whole characters out: a character cut in two waits for its rest; broken ones become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = _Utf8(errors="replace")

    def feed(self, piece: bytes) -> str:
        """The characters that `piece` completes."""
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """What is left when no more comes."""
        return self._decoder.decode(b"", final=True)


class Stops:
    """Cuts a text at the first stop string; a possible beginning of one is held back until it is decided."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held = ""
        self.reached = False

    def feed(self, text: str) -> str:
        """The part of the text so far, not given before, that can no longer belong to a stop string."""
        if self.reached or not self._stops:
            return "" if self.reached else text
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.reached, self._held = True, ""
            return text[: min(found)]
        keep = held_back(text, self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back when no more comes."""
        held, self._held = self._held, ""
        return held


def held_back(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the beginning of one of `marks`."""
    longest = min(len(text), max(map(len, marks)) - 1)
    for length in range(longest, 0, -1):
        tail = text[-length:]
        if any(mark.startswith(tail) for mark in marks):
            return length
    return 0
