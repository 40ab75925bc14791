"""What the engine has to be told, kept until it answered: an engine that went away is told again."""

import asyncio
from dataclasses import dataclass, field

from plugins.whisper.gate import BYTES_PER_S, Audio, Command, End, Preflight, Resume, Start


@dataclass(eq=False)
class Spoken:
    """One utterance from its start until its final transcript."""

    start_s: float
    pcm: list[bytes] = field(default_factory=list[bytes])
    is_quiet: bool = False
    is_over: bool = False
    was_shown: bool = False

    @property
    def length_s(self) -> float:
        """Seconds of audio that were sent."""
        return sum(map(len, self.pcm)) / BYTES_PER_S

    def apply(self, command: Command) -> None:
        """Keep what a new engine would have to know."""
        match command:
            case Audio(pcm):
                self.pcm.append(pcm)
            case Preflight():
                self.is_quiet = True
            case Resume():
                self.is_quiet = False
            case End():
                self.is_over = True
            case Start():
                pass

    def retold(self) -> list[Command]:
        """The commands that bring a new engine to where the old one was."""
        commands: list[Command] = [Start(self.start_s), *map(Audio, self.pcm)]
        if self.is_over:
            return [*commands, End()]
        return [*commands, Preflight()] if self.is_quiet else commands


Told = tuple[Spoken, Command]


class Outbox:
    """Commands on their way to the engine, and the utterances that still wait for their final transcript."""

    def __init__(self) -> None:
        self._waiting: list[Spoken] = []
        self._open: Spoken | None = None
        self._queue: asyncio.Queue[Told] | None = None
        self._all_answered = asyncio.Event()
        self._all_answered.set()

    def put(self, command: Command) -> None:
        """Add a command; a `Start` opens the utterance to which those after it belong."""
        if isinstance(command, Start):
            self._open = Spoken(command.at_s)
            self._waiting.append(self._open)
            self._all_answered.clear()
        spoken = self._open
        if spoken is None:
            return
        spoken.apply(command)
        if self._queue is not None:
            self._queue.put_nowait((spoken, command))
        if spoken.is_over:
            self._open = None

    def connect(self) -> asyncio.Queue[Told]:
        """A queue for a new connection, which begins with everything that was never answered."""
        self._queue = asyncio.Queue()
        for spoken in self._waiting:
            for command in spoken.retold():
                self._queue.put_nowait((spoken, command))
        return self._queue

    def answered(self, spoken: Spoken) -> None:
        """An utterance has its final transcript."""
        self._waiting.remove(spoken)
        if not self._waiting:
            self._all_answered.set()

    async def wait_until_answered(self) -> None:
        """Wait until no utterance is without its final transcript."""
        await self._all_answered.wait()
