"""The set-up: steps run side by side, and one that cannot be done says so after the others are."""

import importlib.util
import threading
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
