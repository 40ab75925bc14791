"""`landline knowledge …`: look at the documents that went in, remove, check, save and restore them."""

import asyncio
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from agent.cli.common import SearchedCollection, SearchedSource, SearchedTitle, console, fail, settings_or_exit
from agent.cli.documents import INTERRUPTED, progress_bar, stop_at_ctrl_c

if TYPE_CHECKING:
    from agent.settings import Settings
    from knowledge.catalog import Entry
    from knowledge.reembedding import Reembedded

knowledge = typer.Typer(help="The documents that went in: look, remove, check, save, restore.", no_args_is_help=True)

Collection = Annotated[str, typer.Option(help="Only this collection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(knowledge, name="knowledge")


@contextmanager
def refusals() -> Generator[None]:
    """What cannot be done is said in a sentence."""
    from knowledge.errors import KnowledgeError
    from plugins.errors import EngineError

    try:
        yield
    except (KnowledgeError, EngineError) as error:
        fail(str(error))


@knowledge.command("list")
def list_documents(collection: Collection = "", as_json: AsJson = False) -> None:
    """Show every document."""
    from agent.upkeep import find_documents

    with refusals():
        documents = find_documents(settings_or_exit(), (), collection=collection)
    if as_json:
        print(json.dumps([asdict(document) for document in documents]))
        return
    table = Table("id", "collection", Column("source", overflow="fold"), "chunks", "pages", Column("in", no_wrap=True))
    for entry in documents:
        numbers = (str(entry.chunks), str(entry.pages or ""), entry.ingested_at[:10])
        table.add_row(entry.doc_id[:8], entry.collection, escape(entry.source), *numbers)
    console.print(table if documents else "No documents yet; `landline ingest PATH` puts some in", highlight=False)


@knowledge.command()
def show(
    document: Annotated[str, typer.Argument(help="Its id, source, path or title.")],
    collection: Collection = "",
    as_json: AsJson = False,
) -> None:
    """Show one document's chunks as they are searched."""
    from agent.index import index_as_made
    from agent.upkeep import find_documents
    from knowledge.catalog import chunks_of

    settings = settings_or_exit()
    with refusals():
        found = find_documents(settings, [document], collection=collection)
        if len(found) > 1:
            fail(f"{document!r} means several: {_named(found)}; its id tells it apart")
        chunks = chunks_of(index_as_made(settings), found[0].doc_id)
    if as_json:
        print(json.dumps(asdict(found[0]) | {"texts": [asdict(chunk) for chunk in chunks]}))
        return
    console.print(f"[bold]{escape(found[0].title)}[/] · {escape(found[0].origin)}", highlight=False)
    for chunk in chunks:
        place = f"page {chunk.page}" if chunk.page else escape(chunk.heading)
        console.print(f"\n[dim]{chunk.position + 1}/{len(chunks)} {place}[/]", highlight=False)
        console.print(chunk.text, markup=False, highlight=False)


@knowledge.command()
def search(
    question: Annotated[str, typer.Argument(help="As a caller would ask it.")],
    collection: SearchedCollection = "",
    title: SearchedTitle = "",
    source: SearchedSource = "",
    k: Annotated[int, typer.Option("-k", help="How many passages.", min=1, max=50)] = 5,
    as_json: AsJson = False,
) -> None:
    """Show the passages that a question finds."""
    from agent.upkeep import search_passages

    settings = settings_or_exit()
    within = {"collection": collection or settings.knowledge.collection, "title": title, "source": source}
    with refusals():
        passages = asyncio.run(search_passages(settings, question, k=k, **within))
    if as_json:
        print(json.dumps(passages))
        return
    for passage in passages:
        page = f", page {passage['page']}" if passage.get("page") else ""
        place = f"{escape(passage['title'])} · {escape(passage['source'])}{page}"
        console.print(f"[bold]{passage['score']:.2f}[/] {place}", highlight=False)
        console.print(f"{passage['text']}\n", markup=False, highlight=False)
    if not passages:
        console.print("Nothing was found", highlight=False)


@knowledge.command()
def remove(
    documents: Annotated[list[str] | None, typer.Argument(help="Ids, sources, paths or titles.")] = None,
    collection: Annotated[str, typer.Option(help="Only in this collection; without names, all of it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Forget documents. The files themselves stay; the next ingest of their folder would put them in again."""
    from agent.upkeep import find_documents, remove_documents

    if not documents and not collection:
        fail("name documents, or a whole collection with --collection NAME")
    settings = settings_or_exit()
    with refusals():
        found = find_documents(settings, documents or (), collection=collection)
        if not found:
            fail(f"there is nothing in the collection {collection}")
        if not yes and not typer.confirm(f"Forget {_named(found)}?"):
            raise typer.Exit(1)
        remove_documents(settings, found)
    console.print(f"{len(found)} documents removed", highlight=False)


@knowledge.command()
def stats(as_json: AsJson = False) -> None:
    """Show how much there is."""
    from agent.index import index_as_made
    from knowledge.catalog import numbers

    with refusals():
        found = numbers(index_as_made(settings_or_exit()))
    if as_json:
        print(json.dumps(asdict(found)))
        return
    size = f", {found.size_bytes / 1e6:.1f} MB" if found.size_bytes is not None else ""
    model = f"embedded with {found.embedder or 'nothing yet'} ({found.dim})"
    console.print(f"{found.uri}{size}; {model}", markup=False, highlight=False)
    table = Table("collection", "documents", "chunks", "sentences")
    for row in found.collections:
        table.add_row(row.name, *map(str, (row.documents, row.chunks, row.sentences)))
    console.print(table)


@knowledge.command()
def verify(as_json: AsJson = False) -> None:
    """Read every row and say what is damaged, and which documents' files have changed."""
    from agent.index import index_as_made
    from knowledge.verifying import verify as examine

    with refusals():
        verdict = examine(index_as_made(settings_or_exit()))
    if as_json:
        print(json.dumps(asdict(verdict)))
    else:
        for problem in verdict.problems:
            console.print(f"[bold red]✗[/] {escape(problem)}", highlight=False)
        for note in verdict.stale:
            console.print(f"[yellow]![/] {escape(note)}", highlight=False)
        count = f"{verdict.documents} documents, {verdict.chunks} chunks, {verdict.sentences} sentences"
        console.print(f"{count}: {'damaged' if verdict.problems else 'all whole'}", highlight=False)
    if verdict.problems:
        raise typer.Exit(1)


@knowledge.command()
def backup(path: Annotated[Path, typer.Argument(help="The file to write, such as knowledge.zip.")]) -> None:
    """Save the whole index, all collections, in one file."""
    from agent.upkeep import back_up

    with refusals():
        about = back_up(settings_or_exit(), path)
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    console.print(f"{about.chunks} chunks saved in {path} ({size})", markup=False, highlight=False)


@knowledge.command()
def restore(
    path: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of what is there.")] = False,
) -> None:
    """Bring a saved index back, here or on another machine."""
    from agent import upkeep

    with refusals():
        about = upkeep.restore(settings_or_exit(), path, replace=replace)
    console.print(f"{about.chunks} chunks restored, embedded with {about.embedder}", highlight=False)


@knowledge.command()
def reembed() -> None:
    """Make the index anew: after another embedding model was set, or because an older version wrote it.

    The texts in it are enough; vectors are computed only for another model. Ctrl-C keeps what is done.
    """
    with refusals():
        outcome = asyncio.run(_reembed(settings_or_exit()))
    if outcome is None:
        console.print("The index is of this version and of the embedding model that is set", highlight=False)
    elif outcome.is_complete:
        console.print(f"{outcome.documents} documents are in the new index; restart a running engine", highlight=False)
    else:
        console.print(f"Stopped after {outcome.documents} documents; the same command goes on", highlight=False)
        raise typer.Exit(INTERRUPTED)


async def _reembed(settings: "Settings") -> "Reembedded | None":
    from agent.upkeep import reembed_all

    stop = asyncio.Event()
    stop_at_ctrl_c(stop)
    with progress_bar("documents") as bar:
        return await reembed_all(settings, progress=bar.show, should_stop=stop.is_set)


def _named(documents: Sequence["Entry"]) -> str:
    shown: list[Any] = [f"{entry.source} ({entry.doc_id[:8]})" for entry in documents[:5]]
    return ", ".join(shown) + (f" and {len(documents) - 5} more" if len(documents) > 5 else "")
