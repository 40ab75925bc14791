"""The set-up: steps run side by side, and one that cannot be done says so after the others are."""

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from agent.settings import ROOT


@pytest.fixture
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_tool", ROOT / "tools" / "setup.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_steps_do_not_wait_for_each_other(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet() -> str:
        both.wait()
        return "met"

    monkeypatch.setattr(setup, "steps", lambda _: [("one", meet), ("other", meet)])
    setup.main("run")


def test_a_step_that_fails_is_told_and_the_others_are_done(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()

    def fail() -> str:
        raise setup.SetupError("a compiler is missing")

    def work() -> str:
        done.append("page")
        return "built"

    monkeypatch.setattr(setup, "steps", lambda _: [("packages", fail), ("page", work)])
    with pytest.raises(setup.SetupError, match="a compiler is missing"):
        setup.main("run")
    assert done == ["page"]


def test_all_trouble_is_told_at_once(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lack() -> str:
        raise setup.SetupError("a compiler is missing")

    def build() -> str:
        (tmp_path / "nowhere" / "page").write_text("")
        return "built"

    monkeypatch.setattr(setup, "steps", lambda _: [("packages", lack), ("page", build)])
    with pytest.raises(setup.SetupError, match="(?s)a compiler is missing.*No such file"):
        setup.main("run")


def test_a_terminal_that_does_not_know_every_sign_ends_nothing() -> None:
    command = [sys.executable, str(ROOT / "tools" / "setup.py"), "nothing"]
    told = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True)
    assert told.returncode == 1 and told.stderr.startswith("? there is nothing to set up for 'nothing'")
