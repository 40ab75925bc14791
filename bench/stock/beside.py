"""The stock agent beside a running system."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agent.settings import child_environment
from bench.shapes.stage import SCRIPT, Stage
from bench.stock.worker import AGENT_NAME, READY

START_S = 60.0
END_S = 20.0


@asynccontextmanager
async def stock_worker(stage: Stage | None, *, log: Path) -> AsyncGenerator[str]:
    """The worker of the stock agent, with the models of a `stage` if there is one; gives the agent's name.

    Raises `RuntimeError` or `TimeoutError` if it does not start.
    """
    script = ("--script", str(SCRIPT)) if stage else ()
    with log.open("a") as file:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench", "stock", *script),
            env=child_environment(stage.environment if stage else {}),
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
        )
    assert worker.stdout
    try:
        async with asyncio.timeout(START_S):
            while READY not in (line := await worker.stdout.readline()).decode():
                if not line:
                    raise RuntimeError(f"the stock worker did not start; {log} says why")
        yield AGENT_NAME
    finally:
        await _end(worker)


async def _end(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself
        worker.terminate()
    try:
        async with asyncio.timeout(END_S):
            await worker.wait()
    except TimeoutError:
        worker.kill()
        await worker.wait()
