"""A text that is read more than once while it is being written."""

import asyncio
from collections.abc import AsyncIterator

from agent.remembered import Remembered


class Written:
    """A text whose pieces come when the test says so."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[str | None] = asyncio.Queue()

    def write(self, *pieces: str | None) -> None:
        for piece in pieces:
            self.pieces.put_nowait(piece)

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self.pieces.get()) is not None:
            yield piece


async def test_every_reader_gets_the_whole_text() -> None:
    text = Written()
    words = Remembered(text)
    first = asyncio.create_task(_read(words))
    text.write("we ", "open ")
    await asyncio.sleep(0)
    second = asyncio.create_task(_read(words))
    text.write("at nine", None)
    assert await first == await second == "we open at nine"


async def test_a_reader_that_gives_up_takes_nothing_from_the_next() -> None:
    text = Written()
    words = Remembered(text)
    impatient = asyncio.create_task(_read(words))
    text.write("we ")
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    text.write("open", None)
    assert await _read(words) == "we open"


async def test_a_text_is_known_as_soon_as_it_cannot_be_a_phrase() -> None:
    text = Written()
    words = Remembered(text)
    text.write("We open")
    assert await words.while_it("Sorry".startswith) is None
    await words.aclose()


async def test_a_phrase_in_pieces_is_recognised_at_its_end() -> None:
    text = Written()
    words = Remembered(text)
    text.write("So", "rry", None)
    assert await words.while_it("Sorry".startswith) == "Sorry"


async def test_closing_ends_every_reader() -> None:
    words = Remembered(Written())
    reader = asyncio.create_task(_read(words))
    await asyncio.sleep(0)
    await words.aclose()
    assert await reader == ""


async def _read(words: Remembered) -> str:
    return "".join([piece async for piece in words])
