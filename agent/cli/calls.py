"""`landline call`, `landline demo` and `landline ask`: talk to the agent from a terminal."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from agent.cli.common import SearchedCollection, SearchedSource, SearchedTitle, console, fail, settings_or_exit

if TYPE_CHECKING:
    from agent.caller.report import CallReport
    from agent.caller.script import Turn

DEMO_QUESTIONS = ("what time is breakfast", "and on sunday", "how much does parking cost")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (call, demo, ask):
        app.command()(command)


def call(
    say: Annotated[list[str] | None, typer.Option(help="A turn to speak, in a synthetic voice.")] = None,
    wav: Annotated[list[Path] | None, typer.Option(help="A turn to play from a WAV file.")] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="A turn to type.")] = None,
    url: Annotated[str, typer.Option(help="The page's address; this machine's own by default.")] = "",
    documents: Annotated[bool, typer.Option(help="Let the agent use the documents.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    record: Annotated[Path | None, typer.Option(help="Save the call: caller left, agent right.")] = None,
) -> None:
    """Make a scripted call over real WebRTC and measure how long each answer takes to be heard.

    Spoken turns come first, then recordings, then typed ones.
    """
    from agent.caller.script import Play, Say, Turn, Type

    turns: list[Turn] = [*map(Say, say or ()), *map(Play, wav or ()), *map(Type, type_ or ())]
    if not turns:
        fail('nothing to say: add --say "what time is breakfast", --wav FILE or --type TEXT')
    report = asyncio.run(_call(url or settings_or_exit().page, turns, documents=documents, record=record))
    _show(report, as_json=as_json)


async def _call(
    url: str, turns: Sequence["Turn"], *, documents: bool = True, record: Path | None = None
) -> "CallReport":
    from agent.caller.conversation import run_call
    from agent.caller.errors import CallFailed
    from agent.caller.script import CallScript
    from agent.caller.ticket import ask_for_ticket

    try:
        ticket = await ask_for_ticket(url, documents=documents)
        return await run_call(CallScript(turns, documents=documents), ticket=ticket, record=record)
    except CallFailed as error:
        fail(str(error))


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    log: Annotated[Path, typer.Option(help="Where the processes' own lines go.")] = Path("run/demo.log"),
) -> None:
    """Start everything, hold a short call about the demo documents, print the report, and stop again."""
    from agent.livekit_server import LiveKitMissing
    from agent.machine import PartRefused, PortTaken, running_machine

    settings = settings_or_exit()

    async def work() -> "CallReport":
        from agent.caller.script import Say

        console.print(f"Starting Landline; its log is {log}", markup=False, highlight=False)
        async with running_machine(settings, log=log) as page:
            console.print(f"Calling {page}", highlight=False)
            return await _call(page, [Say(question) for question in DEMO_QUESTIONS])

    try:
        report = asyncio.run(work())
    except (PartRefused, PortTaken, LiveKitMissing, TimeoutError) as error:
        fail(str(error))
    _show(report, as_json=as_json)


def _show(report: "CallReport", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_dict(), indent=1))
    else:
        console.print(report)
    if not report.is_answered:
        raise typer.Exit(1)


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    collection: SearchedCollection = "",
    title: SearchedTitle = "",
    source: SearchedSource = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print answer and sources as JSON.")] = False,
) -> None:
    """Ask the documents one question and print the answer with its sources. Needs a running engine."""
    from agent.answer import ask_once
    from knowledge.errors import KnowledgeError
    from plugins.errors import EngineError, EngineUnavailable

    settings = settings_or_exit()
    try:
        answer = asyncio.run(ask_once(settings, question, collection=collection, title=title, source=source))
    except EngineUnavailable as error:
        fail(f"{error}. `landline up` starts everything, `landline engine` the engine alone")
    except (EngineError, KnowledgeError) as error:
        fail(str(error))
    if as_json:
        print(json.dumps({"answer": answer.text, "sources": answer.sources}, indent=1))
        return
    console.print(answer.text, markup=False, highlight=False)
    for passage in answer.sources:
        place = escape(f"{passage['title']} · {passage['source']}")
        console.print(f"  [dim]{place}[/]", highlight=False)
