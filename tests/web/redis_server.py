"""A real Redis on a port of its own, which tests may stop and start."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as NotThere

START_S = 20.0


class RedisServer:
    """`redis-server` in a folder, without a file of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}"
        self._command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        with Redis.from_url(self.url) as client:
            while time.monotonic() < end:
                with suppress(NotThere):
                    client.ping()
                    return
                time.sleep(0.02)
        raise TimeoutError("redis-server does not answer")

    def stop(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def running_redis(folder: Path, port: int) -> Iterator[RedisServer]:
    """A Redis until the block ends."""
    server = RedisServer(folder, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
