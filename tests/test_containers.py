"""The compose file, resolved by docker-compose: what it starts exists, and it does not start with known keys."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from agent.cli import app
from agent.settings import ROOT, example
from agent.settings.doors import WebSettings
from agent.settings.machine import ModelSettings, WorkerSettings

KEYS = "LIVEKIT_API_KEY=mine\nLIVEKIT_API_SECRET=a-secret-of-at-least-thirty-two-letters\n"


def resolve(folder: Path, environment: str) -> subprocess.CompletedProcess[str]:
    """What docker-compose makes of the file beside this `.env`."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    (folder / ".env").write_text(environment)
    return subprocess.run(["docker-compose", "config"], cwd=folder, capture_output=True, text=True)


def known_commands() -> set[str]:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    return commands | {group.name for group in app.registered_groups if group.name}


def test_every_service_runs_a_command_that_exists(tmp_path: Path) -> None:
    services = yaml.safe_load(resolve(tmp_path, KEYS).stdout)["services"]
    known = known_commands()
    assert set(services) == {"livekit", "engine", "worker", "web"}
    assert {services[name]["command"][0] for name in ("engine", "worker", "web")} <= known
    assert services["engine"]["healthcheck"]["test"][2] in known


def test_what_readme_runs_in_containers_exists(tmp_path: Path) -> None:
    services = yaml.safe_load(resolve(tmp_path, KEYS).stdout)["services"]
    readme = (ROOT / "README.md").read_text()
    run = re.findall(r"^docker compose (?:exec|run .*?ro) (\w+) (?:landline )?(\w+)", readme, re.MULTILINE)
    assert [service for service, _ in run] == ["engine", "engine", "web"] and {service for service, _ in run} < {
        *services
    }
    assert {command for _, command in run} <= known_commands()


def test_the_settings_given_to_containers_are_settings(tmp_path: Path) -> None:
    services = yaml.safe_load(resolve(tmp_path, KEYS).stdout)["services"]
    given = {name for service in ("engine", "worker", "web") for name in services[service]["environment"]}
    assert all(f"{name}=" in example() for name in given), given


def test_what_the_image_is_built_from_is_there() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert all((ROOT / name).exists() for names in copied for name in names)


def test_the_image_holds_no_secret_and_nothing_that_was_said() -> None:
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", "data", "run"} <= set(left_out)
    assert str(ModelSettings().folder) in left_out, "pulled models are mounted"


def test_containers_are_left_the_time_that_running_calls_and_answers_have(tmp_path: Path) -> None:
    services = yaml.safe_load(resolve(tmp_path, KEYS).stdout)["services"]
    for name, drain_s in (("worker", WorkerSettings().drain_s), ("web", WebSettings().drain_s)):
        minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(\d+)s", services[name]["stop_grace_period"]).groups("0")
        assert 60 * int(minutes) + int(seconds) > drain_s


@pytest.mark.parametrize("missing", KEYS.splitlines())
def test_without_keys_of_its_own_it_does_not_start(tmp_path: Path, missing: str) -> None:
    refused = resolve(tmp_path, KEYS.replace(missing, ""))
    assert refused.returncode and f"set {missing.split('=')[0]} in .env" in refused.stderr


def test_the_media_server_reads_the_same_configuration(tmp_path: Path) -> None:
    livekit = yaml.safe_load(resolve(tmp_path, KEYS).stdout)["services"]["livekit"]
    assert any(volume.startswith(str(tmp_path / "livekit.yaml")) for volume in livekit["volumes"])
    ports = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    published = {str(port["published"]) for port in livekit["ports"]}
    assert {str(ports["port"]), str(ports["rtc"]["tcp_port"]), str(ports["rtc"]["udp_port"])} == published
