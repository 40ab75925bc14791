"""The `landline` command. Each group of commands lies in its own file and imports what it needs when it runs."""

import typer

from agent.cli import calls, conversations, documents, keys, knowledge, models, processes
from agent.cli.common import Commands

app = typer.Typer(
    cls=Commands,
    help="A voice agent on your own machine: speak to it in a browser, type, or ask over HTTP.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
processes.register(app)
calls.register(app)
documents.register(app)
knowledge.register(app)
conversations.register(app)
models.register(app)
keys.register(app)
