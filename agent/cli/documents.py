"""`landline ingest`: put documents in."""

import asyncio
import json
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from agent.cli.common import console, errors, fail, settings_or_exit

if TYPE_CHECKING:
    from agent.ingesting import Ingested
    from agent.settings import Settings
    from knowledge.report import Report, Step

INTERRUPTED = 130
_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(ingest)


def ingest(
    places: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, s3://bucket/prefix, https://… or a file of addresses.")
    ],
    collection: Annotated[str, typer.Option(help="The collection they go into.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Go on reading the folders whenever they change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Put documents in. What is unchanged is skipped, what is gone from a folder removed. Ctrl-C keeps what is done."""
    from agent.ingesting import unwatchable
    from knowledge.errors import KnowledgeError
    from plugins.errors import EngineError

    if not all(places):
        fail("one of the places is empty; the folder that you are in is called .")
    settings = settings_or_exit()
    if watch and (never := unwatchable(places)):
        fail(f"only folders that exist can be watched, not {', '.join(never)}; run the command again for those")
    try:
        report = asyncio.run(_ingest(settings, places, collection, watch=watch, as_json=as_json))
    except (KnowledgeError, EngineError) as error:
        fail(str(error))
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.failed:
        raise typer.Exit(1)


async def _ingest(settings: "Settings", places: list[str], collection: str, *, watch: bool, as_json: bool) -> "Report":
    from agent.ingesting import begun, folder_changes

    stop = asyncio.Event()
    stop_at_ctrl_c(stop)
    changes = await begun(folder_changes(places, stop)) if watch else None
    report = await _ingest_once(settings, places, collection, stop, as_json=as_json)
    if changes and not stop.is_set():
        console.print("Watching for changes; Ctrl-C ends it", highlight=False)
        async for _ in changes:
            report = await _ingest_again(settings, places, collection, stop, as_json=as_json) or report
    return report


async def _ingest_again(
    settings: "Settings", places: list[str], collection: str, stop: asyncio.Event, *, as_json: bool
) -> "Report | None":
    """While watching, trouble is said and the watch goes on."""
    from knowledge.errors import KnowledgeError
    from plugins.errors import EngineError

    try:
        return await _ingest_once(settings, places, collection, stop, as_json=as_json)
    except (KnowledgeError, EngineError) as error:
        errors.print(f"[bold red]✗[/] {escape(str(error))}", highlight=False)
        return None


async def _ingest_once(
    settings: "Settings", places: list[str], collection: str, stop: asyncio.Event, *, as_json: bool
) -> "Report":
    from agent.ingesting import ingest_documents

    with progress_bar("documents") as bar:
        ingested = await ingest_documents(
            settings, places, collection=collection, progress=bar.show, should_stop=stop.is_set
        )
    if as_json:
        print(json.dumps(asdict(ingested.report) | {"demo_removed": ingested.demo_removed}))
    else:
        _show(ingested)
    return ingested.report


def stop_at_ctrl_c(stop: asyncio.Event) -> None:
    """The first Ctrl-C asks to stop; a second one ends the program without waiting for what is being read."""

    def ask() -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)  # commits are whole or not at all, and the system frees the lock
        stop.set()
        errors.print("Stopping; what is ready is kept. Once more to stop at once.", highlight=False)

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, ask)


class StepBar:
    """A progress bar that is told `Step`s from whatever thread works."""

    def __init__(self, bar: Progress, title: str) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=None, source="", chunks=0)

    def show(self, step: "Step") -> None:
        self._bar.update(self._task, completed=step.done, total=step.total, chunks=step.chunks, source=step.source)


class _Rate(ProgressColumn):
    """How many documents a second, and how many chunks there are so far."""

    def render(self, task: Task) -> Text:
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        return Text(f"{rate} {task.fields['chunks']} chunks", style="progress.data.speed")


@contextmanager
def progress_bar(title: str) -> Generator[StepBar]:
    """Done of all, rate, time left; on standard error, and only on a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[source]}", style="dim", markup=False),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        yield StepBar(bar, title)


def _show(ingested: "Ingested") -> None:
    report = ingested.report
    if ingested.demo_removed:
        console.print(f"{ingested.demo_removed} demo documents gave way to yours", highlight=False)
    counts = {
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": report.failed,
    }
    console.print(", ".join(f"{len(names)} {name}" for name, names in counts.items()), highlight=False)
    for name in ("changed", "removed"):
        _show_some(name, counts[name])
    _show_some("left out, no loader for this kind of file", report.skipped)
    for source, note in report.notes:
        console.print(f"[yellow]![/] {escape(source)}: {escape(note)}", highlight=False)
    for source, reason in report.failed:
        console.print(f"[bold red]✗[/] {escape(source)}: {escape(reason)}", highlight=False)
    if report.interrupted:
        console.print("Stopped before the end; the same command goes on from here", highlight=False)


def _show_some(what: str, sources: tuple[object, ...]) -> None:
    for source in sources[:_SHOWN]:
        console.print(f"  [dim]{what}: {escape(str(source))}[/]", highlight=False)
    if len(sources) > _SHOWN:
        console.print(f"  [dim]{what}: {len(sources) - _SHOWN} more (--json names all)[/]", highlight=False)
