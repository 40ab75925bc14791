"""What the commands print, on a terminal and off it."""

import io

import pytest
from rich.console import Console

from agent.cli import documents
from knowledge.report import Step


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 100 columns gets to see of the progress bars."""
    shown = io.StringIO()
    monkeypatch.setattr(documents, "errors", Console(file=shown, force_terminal=True, width=100, no_color=True))
    return shown


def test_a_terminal_sees_how_far_the_documents_are(terminal: io.StringIO) -> None:
    with documents.progress_bar("documents") as bar:
        bar.show(Step(done=1, total=2, source="house [draft] [/x].md", chunks=7))
    assert "house [draft] [/x].md" in terminal.getvalue()
    assert "1/2" in terminal.getvalue() and "7 chunks" in terminal.getvalue()
