"""`landline up` and the four processes that it supervises; `landline doctor`."""

import os
import sys
from pathlib import Path

import typer
from rich.markup import escape

from agent.cli.common import console, fail, run_until_signal, settings_or_exit


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (up, engine, worker, web, livekit, health, doctor):
        app.command()(command)


def up() -> None:
    """Start everything on this machine, keep it running, and say where it answers.

    SIGTERM lets running calls end first; Ctrl-C does not wait for them.
    """
    from agent.livekit_server import LiveKitMissing
    from agent.machine import PartRefused, PortTaken, run_machine, terminal_console
    from agent.supervisor import REFUSED

    settings = settings_or_exit()
    is_terminal = settings.log.format == "text" or (settings.log.format == "auto" and sys.stdout.isatty())
    try:
        terminal = terminal_console(is_terminal=is_terminal)
        run_until_signal(lambda stop, hurry: run_machine(settings, stop, terminal, hurry=hurry))
    except (PortTaken, LiveKitMissing) as error:
        fail(str(error))
    except PartRefused as error:
        fail(str(error), code=REFUSED)


def engine() -> None:
    """Hold the models and serve them on a socket."""
    from agent import logs
    from agent.cores import ONE_THREAD_EACH
    from agent.settings import SettingsError, steer_libraries

    steer_libraries(ONE_THREAD_EACH)
    from agent.engine import run_engine

    settings = settings_or_exit()
    logs.set_up(settings.log, process="engine")
    try:
        run_until_signal(lambda stop, _: run_engine(settings, stop))
    except (OSError, SettingsError) as error:
        fail(f"{error}")


def worker() -> None:
    """Join calls: the LiveKit side, without any model in it."""
    from agent import logs
    from agent.worker import run_worker

    settings = settings_or_exit()
    logs.set_up(settings.log, process="worker")
    run_until_signal(lambda stop, _: run_worker(settings, stop))


def web() -> None:
    """Serve the page and hand out tickets to calls."""
    from agent import logs
    from agent.database import DatabaseError
    from agent.door import web_config
    from agent.keys import KeysNewer
    from agent.supervisor import REFUSED
    from web.server import run

    settings = settings_or_exit()
    logs.set_up(settings.log, process="web")
    try:
        run(web_config(settings))
    except DatabaseError as error:
        fail(f"the conversations' database cannot be used: {error}", code=REFUSED)
    except KeysNewer as error:
        fail(f"the API keys cannot be used: {error}", code=REFUSED)


def livekit() -> None:
    """Run our own LiveKit server with the settings' ports and keys."""
    from agent.livekit_server import LiveKitMissing, command
    from agent.settings import child_environment

    settings = settings_or_exit()
    try:
        server = command(settings.livekit, folder=Path("run"))
    except LiveKitMissing as error:
        fail(str(error))
    os.execve(server.arguments[0], server.arguments, child_environment(server.environment))


def health() -> None:
    """Succeed if the engine can answer: for containers and scripts."""
    import asyncio

    from agent.probes import engine_is_ready

    if not asyncio.run(engine_is_ready(settings_or_exit())()):
        fail("the engine is not ready")


def doctor() -> None:
    """Say what is here, what is missing, and the exact command that gets it."""
    from agent.doctor import examine

    findings = examine(settings_or_exit())
    for finding in findings:
        mark = "[green]✓[/]" if finding.is_fine else "[bold red]✗[/]"
        console.print(f"{mark} {escape(f'{finding.subject}: {finding.state}')}", highlight=False, soft_wrap=True)
        if not finding.is_fine:
            console.print(f"    {finding.remedy}", markup=False, highlight=False, soft_wrap=True)
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(1)
