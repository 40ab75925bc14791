"""API keys on disk: what recognizes a key, never the key itself. One SQLite file that every process may open."""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from agent.settings import Settings
from web.principals import KEY_MARK, Principal

KEY_BYTES = 32
SHOWN_CHARS = 10
"""How much of a key its owner sees in lists: far too little to guess the rest."""
WAIT_S = 2.0
"""How long one process waits for another's change to be written."""
NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is known."""

VERSION = 1
"""Of the table, kept as SQLite's `user_version`. Raise it when the table changes."""
TABLE = """
CREATE TABLE IF NOT EXISTS keys (
    digest TEXT PRIMARY KEY, shown TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, made_at TEXT NOT NULL,
    expires_at TEXT, revoked_at TEXT, used_at TEXT
)
"""


class NoSuchKey(LookupError):
    """No key, or more than one, goes by that name or beginning; the message says which."""


class KeysNewer(sqlite3.DatabaseError):
    """A newer version of this program has written the keys; the message names their file and the way out."""


@dataclass(frozen=True)
class Key:
    """What is known of a key. `shown` is its beginning."""

    shown: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def state(self, now: datetime) -> str:
        """`good`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "good"


def utc_now() -> datetime:
    """Now."""
    return datetime.now(UTC)


class KeyStore:
    """The keys in one file, which is made with the first key. What one process changes, all others see at once."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._clock = clock

    def check(self) -> None:
        """Raises `KeysNewer`. Other trouble shows when a key is looked for, and may have passed by then."""
        try:
            self.made()
        except KeysNewer:
            raise
        except sqlite3.Error:
            return

    def create(self, name: str, scopes: Sequence[str], *, lasts: timedelta | None = None) -> str:
        """A new key, returned this once; of it only the SHA-256 is kept, which is enough for 256 random bits."""
        key, now = KEY_MARK + secrets.token_urlsafe(KEY_BYTES), self._clock()
        expires_at = (now + lasts).isoformat() if lasts is not None else None
        row = (_digest(key), key[:SHOWN_CHARS], name, " ".join(scopes), now.isoformat(), expires_at)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with self._open() as database:
            database.execute(TABLE)
            database.execute(f"PRAGMA user_version = {VERSION}")
            database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)", row)
        return key

    def made(self) -> list[Key]:
        """Every key that was ever made, oldest first."""
        if not self._path.exists():
            return []
        with self._open() as database:
            return [_key(row) for row in database.execute("SELECT * FROM keys ORDER BY made_at")]

    def revoke(self, name: str) -> Key:
        """Refuse a key from now on, told by its name or its beginning. Raises `NoSuchKey`."""
        good = [key for key in self.made() if not key.revoked_at]
        meant = [key for key in good if name == key.name or (len(name) > len(KEY_MARK) and key.shown.startswith(name))]
        if len(meant) != 1:
            raise NoSuchKey(f"{len(meant)} keys go by {name!r}" if meant else f"no key goes by {name!r}")
        with self._open() as database:
            change = "UPDATE keys SET revoked_at = ? WHERE shown = ? AND made_at = ?"
            database.execute(change, (self._clock().isoformat(), meant[0].shown, meant[0].made_at.isoformat()))
        return meant[0]

    async def exist(self) -> bool:
        """Whether a key was ever made. Raises `sqlite3.Error`."""
        return bool(await asyncio.to_thread(self.made))

    async def find(self, key: str) -> Principal | None:
        """Whose key this is; None if it is unknown, expired or revoked. Raises `sqlite3.Error`."""
        return await asyncio.to_thread(self._find, key)

    def _find(self, presented: str) -> Principal | None:
        if not self._path.exists():
            return None
        now, digest = self._clock(), _digest(presented)
        with self._open() as database:
            row = database.execute("SELECT * FROM keys WHERE digest = ?", (digest,)).fetchone()
            if row is None or (key := _key(row)).state(now) != "good":
                return None
            if key.used_at is None or now - key.used_at >= NOTED_EVERY:
                _note_use(database, digest, now)
        return Principal(f"key:{key.shown}", frozenset(key.scopes))

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        """The file, for one change that is written whole or not at all. Raises `KeysNewer`."""
        with closing(sqlite3.connect(self._path, timeout=WAIT_S)) as database, database:
            [version] = database.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise KeysNewer(
                    f"{self._path} is of version {version} and this Landline knows version {VERSION}. Use the newer "
                    "Landline that wrote it; or move the file away, and make new keys with `landline keys create`."
                )
            yield database


def way_to_owners_page(settings: Settings) -> str:
    """Where the owner's page is and what opens it."""
    return f"{settings.page}/admin, with a key of the scope admin; `landline keys create owner --scope admin` makes one"


def _note_use(database: sqlite3.Connection, digest: str, now: datetime) -> None:
    """Write when the key was used; a key is good all the same where its file may only be read."""
    with suppress(sqlite3.OperationalError):
        database.execute("UPDATE keys SET used_at = ? WHERE digest = ?", (now.isoformat(), digest))


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()


def _key(row: Sequence[str | None]) -> Key:
    _, shown, name, scopes, *times = row
    made_at, expires_at, revoked_at, used_at = (datetime.fromisoformat(time) if time else None for time in times)
    assert shown and name is not None and scopes is not None and made_at
    return Key(shown, name, tuple(scopes.split()), made_at, expires_at, revoked_at, used_at)
