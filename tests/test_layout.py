"""The shape of the program: who may import whom, and what importing may cost."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.settings import ROOT

OURS = {"agent", "plugins", "knowledge", "web"}
HEAVY = {"torch", "faster_whisper", "ctranslate2", "llama_cpp", "piper", "lancedb", "sentence_transformers"}
ENGINE_SIDE = ("plugins/server/", "plugins/whisper/model.py", "plugins/llama/model.py", "plugins/piper/model.py")
WORKER_SIDE = ("plugins/whisper/stt.py", "plugins/llama/llm.py", "plugins/piper/tts.py", "plugins/client.py")
THIN = ("agent.call", "agent.worker", "agent.cli", "web.server", "agent.door", "plugins.client")


def sources(package: str) -> Iterator[Path]:
    """Every Python file of a package."""
    yield from (ROOT / package).rglob("*.py")


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(OURS - {"agent"}))
def test_only_agent_composes_the_packages(package: str) -> None:
    for path in sources(package):
        strangers = imported(path) & (OURS - {package})
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_the_engine_never_imports_livekit() -> None:
    files = [*sources("knowledge"), *(path for path in sources("plugins") if is_under(path, ENGINE_SIDE))]
    for path in files:
        assert "livekit" not in imported(path), path.relative_to(ROOT)


def test_the_worker_side_of_the_plugins_imports_no_model_library() -> None:
    for path in sources("plugins"):
        if is_under(path, WORKER_SIDE):
            assert not imported(path) & HEAVY, path.relative_to(ROOT)


def is_under(path: Path, places: tuple[str, ...]) -> bool:
    """Whether a file is, or lies under, one of `places`."""
    return str(path.relative_to(ROOT)).startswith(places)


@pytest.mark.parametrize("module", THIN)
def test_thin_processes_load_no_model_library(module: str) -> None:
    """Transitively, in a fresh interpreter: what a job process would have in memory."""
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
