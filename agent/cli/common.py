"""What every command shares: settings or a clear refusal, and running until told to stop."""

import asyncio
import errno
import io
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NoReturn

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from agent.settings import Settings, SettingsError, load

console = Console(emoji=False)
errors = Console(stderr=True, emoji=False)

SearchedCollection = Annotated[str, typer.Option(help="The collection to search.")]
SearchedTitle = Annotated[str, typer.Option(help="Only documents with this title.")]
SearchedSource = Annotated[str, typer.Option(help="Only this source, as `landline knowledge list` shows it.")]


class Commands(TyperGroup):
    """The whole program: a file or folder that cannot be used is said in a sentence, whichever command meets it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        _print_what_the_terminal_knows()
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None and error.errno != errno.ENOSPC:
                raise
            fail(f"{error.filename or 'this disk'} cannot be used: {error.strerror}")


def _print_what_the_terminal_knows() -> None:
    """Signs that are not in its alphabet become question marks, instead of the end of the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="replace")


def settings_or_exit() -> Settings:
    """The settings; leaves with a message if they cannot be used."""
    try:
        return load()
    except SettingsError as error:
        fail(str(error))


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Print what is wrong and leave."""
    errors.print(f"[bold red]✗[/] {escape(message)}", highlight=False, soft_wrap=not errors.is_terminal)
    raise typer.Exit(code)


def run_until_signal(work: Callable[[asyncio.Event, asyncio.Event], Awaitable[None]]) -> None:
    """Run `work` until it returns. SIGTERM sets the first event that it was given.

    Ctrl-C, and a terminal that is closed unless `nohup` says otherwise, set the second as well: hurry.
    """
    is_tied = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    async def main() -> None:
        loop, stop, hurry = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        for number in (signal.SIGINT, *((signal.SIGHUP,) if is_tied else ())):
            loop.add_signal_handler(number, lambda: (hurry.set(), stop.set()))
        await work(stop, hurry)

    uvloop.run(main())
