"""A real Postgres server for tests, on loopback and in a folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.system import free_ports

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


@contextmanager
def running_postgres() -> Generator[str]:
    """The address of a server that runs until the block ends; it refuses to run as root."""
    assert POSTGRES, "Postgres is missing: `python3 tools/setup.py test` installs it"
    folder = Path(tempfile.mkdtemp(prefix="landline-postgres-"))
    folder.chmod(0o755)
    data, (port,) = folder / "data", free_ports(1)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    _as_postgres(POSTGRES[-1].with_name("initdb"), "-D", data, "-U", "landline", "-A", "trust", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    _as_postgres(POSTGRES[-1], "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://landline@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres(POSTGRES[-1], "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _as_postgres(*command: str | Path) -> None:
    user = {"user": "postgres", "extra_groups": ()} if os.geteuid() == 0 else {}
    home = pwd.getpwnam("postgres").pw_dir if user else Path.home()
    subprocess.run(list(map(str, command)), cwd=home, check=True, stdout=subprocess.DEVNULL, **user)  # type: ignore[call-overload]
