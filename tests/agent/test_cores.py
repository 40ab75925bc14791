"""How the machine's cores are shared out among the models."""

import subprocess
import sys

import pytest

from agent.cores import CoreBudget, container_share, divide, usable_cores


@pytest.mark.parametrize(
    ("cores", "budget"),
    [
        (1, CoreBudget(llama=1, whisper=1, piper=1, embedder=1)),
        (2, CoreBudget(llama=1, whisper=1, piper=1, embedder=1)),
        (4, CoreBudget(llama=2, whisper=1, piper=1, embedder=1)),
        (8, CoreBudget(llama=4, whisper=2, piper=1, embedder=1)),
        (16, CoreBudget(llama=8, whisper=4, piper=2, embedder=2)),
    ],
)
def test_every_model_has_a_core_and_the_language_model_half_of_all(cores: int, budget: CoreBudget) -> None:
    assert divide(cores) == budget


def test_without_a_number_the_cores_of_this_process_are_shared() -> None:
    assert divide(0) == divide(usable_cores())


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000\n", None), ("400000 100000\n", 4), ("150000 100000", 1), ("50000 100000", 1), ("", None)],
)
def test_a_container_may_have_a_share_of_the_machine(limit: str, cores: int | None) -> None:
    assert container_share(limit) == cores


def test_the_command_line_leaves_numpy_to_be_loaded_after_its_threads_are_limited() -> None:
    code = "import sys, agent.cli, agent.logs, agent.cores, agent.settings; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
