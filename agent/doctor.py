"""`landline doctor`: what is here, what is missing, and the exact command that gets it."""

import asyncio
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agent.database import Database, DatabaseError
from agent.index import index_as_made
from agent.keys import KeyStore, way_to_owners_page
from agent.livekit_server import LiveKitMissing, find_binary
from agent.settings import DEVELOPMENT_KEY, ROOT, Settings
from knowledge.errors import KnowledgeError
from web.config import STATIC_DIR

ENOUGH_DISK_BYTES = 2 * 10**9


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `remedy` is a command or a setting, empty where all is well."""

    subject: str
    state: str
    remedy: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether nothing has to be done."""
        return not self.remedy


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a call needs."""
    checks: list[Callable[[Settings], Finding]] = [
        _livekit, _page, _whisper, _llama, _voice, _embedder, _documents, _conversations, _disk, _keys,
        _owners_page, _web_port, _livekit_port,
    ]  # fmt: skip
    return [check(settings) for check in checks]


def model_findings(settings: Settings) -> list[Finding]:
    """The models that the settings name."""
    return [check(settings) for check in (_whisper, _llama, _voice, _embedder)]


def _livekit(settings: Settings) -> Finding:
    if settings.livekit.url:
        return Finding("LiveKit server", f"an outside one, {settings.livekit.url}")
    try:
        return Finding("LiveKit server", str(find_binary(settings.livekit)))
    except LiveKitMissing:
        return Finding("LiveKit server", "missing", "make livekit")


def _page(settings: Settings) -> Finding:
    built = (STATIC_DIR / "index.html").exists()
    return Finding("Web page", "built" if built else "not built", "" if built else "make web")


def _whisper(settings: Settings) -> Finding:
    return _model("Whisper", settings.models.whisper / "model.bin", "MODELS_WHISPER")


def _llama(settings: Settings) -> Finding:
    return _model("Language model", settings.models.llama, "MODELS_LLAMA")


def _voice(settings: Settings) -> Finding:
    return _model("Voice", settings.models.voice, "MODELS_VOICE")


def _embedder(settings: Settings) -> Finding:
    if settings.models.embedder is None:
        return Finding("Embedder", "the one installed with the program")
    return _model("Embedder", settings.models.embedder / "config.json", "MODELS_EMBEDDER")


def _model(subject: str, file: Path, setting: str) -> Finding:
    if file.exists():
        shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
        return Finding(subject, f"{shown}, {file.stat().st_size / 1e6:.1f} MB")
    remedy = f"git checkout models/starter, or landline models pull and {setting} in .env"
    return Finding(subject, f"{file} is missing", remedy)


def _documents(settings: Settings) -> Finding:
    uri = settings.knowledge.uri
    if "://" not in uri and not Path(uri).exists():
        return Finding("Documents", "none yet; the demo documents go in at the first start")
    try:
        index = index_as_made(settings)
        index.revision()  # refuses what another version of this program wrote
        number = len(index.documents())
    except KnowledgeError as error:
        return Finding("Documents", f"the index in {uri} cannot be used", str(error))
    return Finding("Documents", f"{number} indexed in {uri}")


def _conversations(settings: Settings) -> Finding:
    address = settings.conversations.database.get_secret_value()
    if "://" not in address and not Path(address).exists():
        return Finding("Conversations", "none yet")
    try:
        return Finding("Conversations", f"kept in {asyncio.run(_prepared(address))}")
    except DatabaseError as error:
        return Finding("Conversations", "their database cannot be used; see CONVERSATIONS_DATABASE", str(error))


async def _prepared(address: str) -> str:
    """The database's name, once it could be used. Raises `DatabaseError`."""
    database = Database(address)
    try:
        await database.prepare()
    finally:
        await database.aclose()
    return database.name


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    remedy = "" if free > ENOUGH_DISK_BYTES else "free some space; 2 GB let logs and documents grow"
    return Finding("Disk", f"{free / 1e9:.1f} GB free", remedy)


def _keys(settings: Settings) -> Finding:
    is_default = settings.livekit.api_key == DEVELOPMENT_KEY
    return Finding("Keys", "development keys, accepted on this machine only" if is_default else "your own")


def _owners_page(settings: Settings) -> Finding:
    try:
        KeyStore(settings.guard.keys).made()
    except sqlite3.Error as error:
        return Finding("Owner's page", "the API keys cannot be read, so nobody is let in", str(error))
    return Finding("Owner's page", way_to_owners_page(settings))


def _web_port(settings: Settings) -> Finding:
    return _port("Page's port", settings.web.port, "WEB_PORT")


def _livekit_port(settings: Settings) -> Finding:
    return _port("LiveKit's port", settings.livekit.port, "LIVEKIT_PORT")


def _port(subject: str, port: int, setting: str) -> Finding:
    """A port in use is no fault by itself: Landline may be running."""
    with closing(socket.socket()) as probe:
        in_use = probe.connect_ex(("127.0.0.1", port)) == 0
    hint = f"in use (by Landline, or set {setting} in .env)" if in_use else "free"
    return Finding(subject, f"{port} is {hint}")
