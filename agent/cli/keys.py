"""`landline keys create|list|revoke`: who may use the HTTP door."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from agent.cli.common import console, fail, settings_or_exit
from agent.keys import KeyStore, NoSuchKey, utc_now
from web.principals import OPEN_SCOPES, SCOPES

keys = typer.Typer(help="API keys for the HTTP door.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(keys, name="keys")


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    scope: Annotated[list[str] | None, typer.Option(help=f"What it may do: {', '.join(SCOPES)}. Repeatable.")] = None,
    days: Annotated[
        float | None, typer.Option(help="Days after which it expires; never if left out.", min=1, max=100_000)
    ] = None,
) -> None:
    """Make a key and show it, this once."""
    scopes = scope or sorted(OPEN_SCOPES)
    if unknown := sorted(set(scopes) - set(SCOPES)):
        fail(f"there is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")
    if not name.strip():
        fail("a key needs a name, to be told apart and revoked by")
    with store() as kept:
        if any(key.name == name and key.state(utc_now()) == "good" for key in kept.made()):
            fail(f"a key called {name!r} is in use; `landline keys revoke {name}` ends it")
        key = kept.create(name, sorted(set(scopes)), lasts=None if days is None else timedelta(days=days))
    print(key)
    console.print("[dim]Keep it now, it is not shown again. From now on the HTTP door asks for a key.[/]")
    if "admin" not in scopes:
        console.print("[dim]So does the owner's page: `landline keys create owner --scope admin` makes one for it.[/]")


@keys.command("list")
def list_keys() -> None:
    """Show every key: its beginning, what it may do, and when it was last used."""
    table = Table("name", "key", "scopes", "made", "expires", "last used", "state")
    with store() as kept:
        for key in kept.made():
            times = [_day(time) for time in (key.made_at, key.expires_at, key.used_at)]
            table.add_row(escape(key.name), key.shown + "…", " ".join(key.scopes), *times, key.state(utc_now()))
    console.print(table)


@keys.command()
def revoke(name: Annotated[str, typer.Argument(help="The key's name, or its beginning.")]) -> None:
    """Refuse a key from now on, in every running process."""
    with store() as kept:
        try:
            key = kept.revoke(name)
        except NoSuchKey as error:
            fail(f"{error}; `landline keys list` shows them")
    console.print(f"{escape(key.name)} ({key.shown}…) is refused from now on", highlight=False)


@contextmanager
def store() -> Generator[KeyStore]:
    """The keys of the settings; leaves with a message if their file cannot be used."""
    path = settings_or_exit().guard.keys
    try:
        yield KeyStore(path)
    except (sqlite3.Error, OSError) as error:
        fail(f"the keys in {path} cannot be used: {error}")


def _day(time: datetime | None) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M") if time else "–"
