"""`landline conversations`: see, take out and delete what is kept of conversations."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer
from rich.table import Table

from agent.cli.common import console, fail, settings_or_exit

if TYPE_CHECKING:
    from agent.conversations.store import Conversations
    from agent.conversations.turns import Conversation, Summary

Result = TypeVar("Result")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[str, typer.Argument(help="The conversation's id, as `list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(help="See, take out and delete what is kept of conversations.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (show, export, delete, prune):
        group.command()(command)
    app.add_typer(group, name="conversations")


def list_(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 20, as_json: AsJson = False
) -> None:
    """The newest conversations."""
    found = _with(lambda conversations: conversations.newest(limit=limit))
    if as_json:
        print(json.dumps([asdict(one) for one in found], default=str, indent=1))
        return
    table = Table("id", "last turn", "turns", "doors", box=None)
    for one in found:
        table.add_row(*_row(one))
    console.print(table)


def show(conversation: Id, as_json: AsJson = False) -> None:
    """One conversation, with the sources of its answers."""
    found = _with(lambda conversations: conversations.get(conversation))
    if found is None:
        fail("there is no conversation of this id")
    if as_json:
        print(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
    else:
        _print(found)


def export(
    ids: Annotated[list[str] | None, typer.Argument(help="Which; all by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output by default.")] = None,
) -> None:
    """Write conversations as JSON Lines, one a line."""

    async def work(conversations: "Conversations") -> int:
        count = 0
        with ExitStack() as files:
            file = files.enter_context(_private(out)) if out else sys.stdout
            async for one in conversations.export(ids or ()):
                print(json.dumps(one.as_json(), ensure_ascii=False), file=file)
                count += 1
        return count

    count = _with(work)
    if ids and count < len(ids):
        fail(f"{len(ids) - count} of these conversations are not there")


def _private(path: Path) -> TextIO:
    """The file to write; a new one is for its owner alone, as the database is."""
    return open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode=0o600))


def delete(
    ids: Annotated[list[str] | None, typer.Argument(help="Which.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every conversation.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete conversations, their sources and their recordings for good."""
    if not ids and not everything:
        fail("name the conversations, or say --all")
    if everything and not yes:
        typer.confirm("Delete every conversation?", abort=True)

    async def work(conversations: "Conversations") -> int:
        return await conversations.delete(await conversations.all_ids() if everything else ids or ())

    _tell_deleted(_with(work), as_json=as_json)


def prune(
    older_than_days: Annotated[
        float | None,
        typer.Option(min=0.001, max=100_000, help="Days since the last turn; CONVERSATIONS_RETENTION_DAYS by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete what nobody went on with for so long, as the program itself does every day."""
    days = settings_or_exit().conversations.retention_days if older_than_days is None else older_than_days
    _tell_deleted(_with(lambda conversations: conversations.prune(older_than_days=days)), as_json=as_json)


def _with(work: "Callable[[Conversations], Awaitable[Result]]") -> Result:
    from agent.conversations.store import open_conversations
    from agent.database import DatabaseError

    settings = settings_or_exit().conversations

    async def main() -> Any:
        conversations = open_conversations(settings)
        try:
            return await work(conversations)
        finally:
            await conversations.aclose()

    try:
        return asyncio.run(main())
    except DatabaseError as error:
        fail(f"the conversations' database cannot be used: {error}")


def _tell_deleted(deleted: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"deleted": deleted}))
    else:
        console.print(f"{deleted} deleted", highlight=False)


def _row(one: "Summary") -> tuple[str, ...]:
    return one.id, f"{one.changed_at.astimezone():%Y-%m-%d %H:%M}", str(one.turns), ", ".join(one.doors)


def _print(conversation: "Conversation") -> None:
    from rich.markup import escape

    for turn in conversation.turns:
        console.print(f"[dim]{turn.at.astimezone():%Y-%m-%d %H:%M:%S} · {turn.door}[/]", highlight=False)
        console.print(f"[bold]caller[/] {escape(turn.said)}", highlight=False)
        cut = " [dim](interrupted)[/]" if turn.interrupted else ""
        console.print(f"[bold]agent[/]  {escape(turn.heard)}{cut}", highlight=False)
        for source in turn.sources:
            console.print(f"  [dim]{escape(source.title)} · {escape(source.place)}[/]", highlight=False)
