"""Our own LiveKit server: where its program is, its configuration, and the command that starts it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent.settings import ROOT, LiveKitSettings

VERSION = "v1.11.0"
CACHED = ROOT / ".cache" / "bin" / "livekit-server"
TEMPLATE = ROOT / "livekit.yaml"


class LiveKitMissing(Exception):
    """There is no livekit-server program; the message says how to get one."""


@dataclass(frozen=True)
class LiveKitCommand:
    """What to run. The secret travels in the environment, where other users cannot read it."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def find_binary(settings: LiveKitSettings) -> Path:
    """The program named by the settings, on PATH, or in the project's cache. Raises `LiveKitMissing`."""
    named = settings.binary or shutil.which("livekit-server") or str(CACHED)
    path = Path(named)
    if not path.is_file():
        raise LiveKitMissing(f"livekit-server is not at {path}; `make livekit` builds {VERSION} into {CACHED.parent}")
    return path


def command(settings: LiveKitSettings, *, folder: Path) -> LiveKitCommand:
    """The command line for these settings; the configuration is written to `folder`/livekit.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "livekit.yaml"
    config.write_text(yaml.safe_dump(configuration(settings), sort_keys=False))
    keys = f"{settings.api_key}: {settings.api_secret.get_secret_value()}"
    return LiveKitCommand((str(find_binary(settings)), "--config", str(config)), {"LIVEKIT_KEYS": keys})


def configuration(settings: LiveKitSettings) -> dict[str, Any]:
    """livekit.yaml with the port, bind address and node address of the settings."""
    config = yaml.safe_load(TEMPLATE.read_text())
    media_tcp, media_udp = settings.port + 1, settings.port + 2
    config["port"] = settings.port
    config["bind_addresses"] = [settings.bind]
    config["rtc"] |= {
        "tcp_port": media_tcp,
        "udp_port": media_udp,
        "node_ip": settings.node_ip or _reachable(settings.bind),
        "stun_servers": [f"127.0.0.1:{media_udp}"],
    }
    return config


def _reachable(bind: str) -> str:
    return "127.0.0.1" if bind in ("0.0.0.0", "::") else bind
