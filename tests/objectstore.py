"""A real S3 server for tests, on loopback and in a folder."""

import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow.fs import S3FileSystem

from agent.settings import ROOT
from tests.system import free_ports

ACCESS_KEY, SECRET_KEY, REGION = "landline", "landline-secret", "us-east-1"
START_S = 30.0


@dataclass(frozen=True)
class ObjectStore:
    """A running server. `settings` are what Landline needs to reach it."""

    address: str

    @property
    def settings(self) -> dict[str, str]:
        return {
            "KNOWLEDGE_S3_ENDPOINT": f"http://{self.address}",
            "KNOWLEDGE_S3_REGION": REGION,
            "KNOWLEDGE_S3_ACCESS_KEY": ACCESS_KEY,
            "KNOWLEDGE_S3_SECRET_KEY": SECRET_KEY,
        }

    def put(self, path: str, text: str) -> None:
        """Write `bucket/key`; the bucket is made if it is missing."""
        self.files.create_dir(path.split("/")[0])
        with self.files.open_output_stream(path) as stream:
            stream.write(text.encode())

    @property
    def files(self) -> Any:
        return S3FileSystem(
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            region=REGION,
            endpoint_override=self.address,
            scheme="http",
            allow_bucket_creation=True,
        )


@contextmanager
def running_object_store(folder: Path) -> Generator[ObjectStore]:
    """VersityGW over a folder until the block ends."""
    program = shutil.which("versitygw", path=f"{os.environ['PATH']}{os.pathsep}{ROOT / '.cache' / 'bin'}")
    assert program, "versitygw is missing; `python3 tools/setup.py test` builds it"
    [port] = free_ports(1)
    data, sidecar = folder / "objects", folder / "metadata"
    for path in (data, sidecar):
        path.mkdir()
    process = subprocess.Popen(
        [program, "--quiet", "--port", f"127.0.0.1:{port}", "posix", "--sidecar", str(sidecar), str(data)],
        env=os.environ | {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        store = ObjectStore(f"127.0.0.1:{port}")
        _wait_until_answering(store)
        yield store
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_answering(store: ObjectStore) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            store.files.create_dir("ready")
            return
        except OSError:
            assert time.monotonic() < end, "the S3 server does not answer"
            time.sleep(0.1)
