"""`landline ingest`: put documents in."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.cli.common import console, fail, settings_or_exit

if TYPE_CHECKING:
    from knowledge.ingest import Report


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(ingest)


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Documents, or folders of documents.")],
    collection: Annotated[str, typer.Option(help="The collection they go into.")] = "",
) -> None:
    """Put documents in. What did not change is skipped; what is gone from a folder is removed."""
    from agent.ingesting import ingest_documents
    from knowledge.errors import KnowledgeError
    from plugins.errors import EngineError

    settings = settings_or_exit()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("documents")

            def advance(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            work = ingest_documents(settings, paths, collection=collection, progress=advance)
            ingested = asyncio.run(work)
    except (KnowledgeError, EngineError) as error:
        fail(str(error))
    if ingested.demo_removed:
        console.print(f"{ingested.demo_removed} demo documents gave way to yours", highlight=False)
    _show(ingested.report)


def _show(report: "Report") -> None:
    counts = {
        "added": len(report.added),
        "changed": len(report.changed),
        "unchanged": len(report.unchanged),
        "removed": len(report.removed),
    }
    console.print(", ".join(f"{count} {name}" for name, count in counts.items()), highlight=False)
    for source in report.skipped:
        console.print(f"  [dim]left out: {source} (no loader for this kind of file)[/]", highlight=False)
    for source, reason in report.failed:
        console.print(f"[bold red]✗[/] {source}: {reason}", highlight=False)
    if report.failed:
        raise typer.Exit(1)
