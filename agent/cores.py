"""One core budget for all models: nobody picks a thread count alone."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class CoreBudget:
    """Threads for each model. Sums may exceed the cores a little: the models rarely all work at the same moment."""

    llama: int
    whisper: int
    piper: int
    embedder: int


def divide(cores: int) -> CoreBudget:
    """Share out `cores` (0: those this process may run on): half to the language model, which is never done early."""
    cores = cores or len(os.sched_getaffinity(0))
    return CoreBudget(
        llama=max(1, cores // 2),
        whisper=max(1, cores // 4),
        piper=max(1, cores // 8),
        embedder=max(1, cores // 8),
    )
