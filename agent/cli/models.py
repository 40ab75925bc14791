"""`landline models list|pull|verify`."""

import asyncio
import os
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Column, Table

from agent.cli.common import console, fail, settings_or_exit

models = typer.Typer(help="The models: what is here, and how to get better ones.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(models, name="models")


@models.command("list")
def list_models() -> None:
    """Show the models in use and the standard ones."""
    from agent.doctor import model_findings
    from agent.model_store import read_table, state_of

    settings = settings_or_exit()
    for finding in model_findings(settings):
        console.print(f"in use · {finding.subject}: {finding.state}", markup=False, highlight=False)
    table = Table(Column("standard model", overflow="fold"), "kind", "size", "licence", "state")
    for model in read_table():
        states = {state_of(file, settings.models.folder) for file in model.files}
        state = "here" if states == {"here"} else ", ".join(sorted(states - {"here"}))
        table.add_row(model.name, model.kind, f"{model.size / 1e6:.0f} MB", model.licence, state)
    console.print(table)


@models.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which ones; the right size for this machine if none.")
    ] = None,
) -> None:
    """Fetch standard models: resumed where it stopped, and verified."""
    from agent.model_store import PullFailed, choose, read_table
    from agent.model_store import pull as fetch

    settings, table = settings_or_exit(), read_table()
    unknown = set(names or ()) - {model.name for model in table}
    if unknown:
        fail(f"no model is called {', '.join(sorted(unknown))}; `landline models list` shows their names")
    wanted = [model for model in table if model.name in names] if names else choose(table, memory_gb=_memory_gb())
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("models", total=sum(model.size for model in wanted))
            asyncio.run(fetch(wanted, settings.models.folder, progress=lambda count: bar.advance(task, count)))
    except PullFailed as error:
        fail(str(error))
    console.print("To use them, put these lines into .env:", highlight=False)
    for model in wanted:
        console.print(f"  {model.setting}={settings.models.folder / model.target}", markup=False, highlight=False)


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


@models.command()
def verify() -> None:
    """Check every model file on disk against its pinned digest."""
    from agent.model_store import read_table, starter_files, state_of

    settings, bad = settings_or_exit(), 0
    files = [(file, settings.models.folder) for model in read_table() for file in model.files]
    for file, folder in [*starter_files(), *files]:
        state = state_of(file, folder, thoroughly=True)
        if state == "missing" and folder == settings.models.folder:
            continue
        bad += state != "here"
        mark = "[green]✓[/]" if state == "here" else "[bold red]✗[/]"
        console.print(f"{mark} {escape(str(folder / file.path))}: {state}", highlight=False)
    if bad:
        fail(f"{bad} file(s) need repair: `git checkout models/starter` or `landline models pull` restores them")
