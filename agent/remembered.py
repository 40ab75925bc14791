"""A text that can be read more than once while it is still being written."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable


class Remembered:
    """Reads `text` once, in the background, for any number of readers, each from the beginning.

    Close it when no more is read: that stops the reading.
    """

    def __init__(self, text: AsyncIterable[str]) -> None:
        self._pieces: list[str] = []
        self._ended = False
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(text))

    async def _read(self, text: AsyncIterable[str]) -> None:
        try:
            async for piece in text:
                self._pieces.append(piece)
                self._wake()
        finally:
            self._ended = True
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[str]:
        read = 0
        while True:
            news = self._news
            while read < len(self._pieces):
                read += 1
                yield self._pieces[read - 1]
            if self._ended:
                return
            await news.wait()

    async def while_it(self, could_be: Callable[[str], bool]) -> str | None:
        """The whole text if it stays something that `could_be` accepts to its end; `None` as soon as it does not."""
        text = ""
        async for piece in self:
            text += piece
            if not could_be(text):
                return None
        return text

    async def aclose(self) -> None:
        """Stop reading."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
