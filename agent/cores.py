"""One core budget for all models: nobody picks a thread count alone."""

import os
from dataclasses import dataclass
from pathlib import Path

ONE_THREAD_EACH = {"OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
"""For the environment, before NumPy is imported: its own threads would spin on every core for each log-mel."""
CONTAINER_SHARE = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class CoreBudget:
    """Threads for each model. Sums may exceed the cores a little: the models rarely all work at the same moment."""

    llama: int
    whisper: int
    piper: int
    embedder: int


def divide(cores: int) -> CoreBudget:
    """Share out `cores` (0: those this process may use): half to the language model, which is never done early."""
    cores = cores or usable_cores()
    return CoreBudget(
        llama=max(1, cores // 2),
        whisper=max(1, cores // 4),
        piper=max(1, cores // 8),
        embedder=max(1, cores // 8),
    )


def usable_cores() -> int:
    """The cores that this process may run on, within the share of the machine that its container was given."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    share = container_share(CONTAINER_SHARE.read_text()) if CONTAINER_SHARE.exists() else None
    return min(cores, share or cores)


def container_share(limit: str) -> int | None:
    """Whole cores of a limit as Linux writes it: microseconds of work in a period, or `max` for none."""
    work_us, _, period_us = limit.strip().partition(" ")
    return max(1, int(work_us) // int(period_us)) if work_us.isdigit() and period_us.isdigit() else None
