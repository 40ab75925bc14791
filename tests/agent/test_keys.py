"""API keys on disk and on the command line."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.keys import VERSION, KeysNewer, KeyStore, NoSuchKey


class Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys.db"


async def test_a_key_is_found_by_itself_alone(path: Path) -> None:
    store = KeyStore(path)
    key = store.create("shop", ["chat", "audio"])
    found = await store.find(key)
    assert found and found.scopes == {"chat", "audio"}
    assert found.name == f"key:{key[:10]}"
    assert await store.find(key[:-1]) is None
    assert await store.find("ll_\ud800") is None


def test_the_file_holds_no_key_and_is_its_owners_alone(path: Path) -> None:
    key = KeyStore(path).create("shop", ["chat"])
    assert key[10:].encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_keys_are_long_and_never_alike(path: Path) -> None:
    keys = {KeyStore(path).create(f"{number}", ["chat"]) for number in range(20)}
    assert len(keys) == 20 and all(len(key) >= 43 + len("ll_") for key in keys)


async def test_asking_makes_no_file(path: Path) -> None:
    store = KeyStore(path)
    assert not await store.exist() and await store.find("ll_x") is None
    assert not path.exists()


async def test_an_expired_key_is_refused(path: Path) -> None:
    clock = Clock()
    store = KeyStore(path, clock=clock)
    key = store.create("shop", ["chat"], lasts=timedelta(days=1))
    assert await store.find(key)
    clock.now += timedelta(days=1)
    assert await store.find(key) is None
    assert store.made()[0].state(clock.now) == "expired"


async def test_a_revoked_key_is_refused_by_everyone_and_still_remembered(path: Path) -> None:
    key, elsewhere = KeyStore(path).create("shop", ["chat"]), KeyStore(path)
    assert await elsewhere.find(key)
    KeyStore(path).revoke(key[:8])
    assert await elsewhere.find(key) is None
    assert await elsewhere.exist()


def test_a_name_that_means_no_key_or_several_revokes_none(path: Path) -> None:
    store = KeyStore(path)
    for name in ("shop", "clinic"):
        store.create(name, ["chat"])
    for name in ("", "ll_", "nobody"):
        with pytest.raises(NoSuchKey):
            store.revoke(name)
    assert not any(key.revoked_at for key in store.made())


async def test_the_last_use_is_known_to_the_minute(path: Path) -> None:
    clock = Clock()
    store = KeyStore(path, clock=clock)
    key = store.create("shop", ["chat"])
    begin = clock.now
    await store.find(key)
    clock.now += timedelta(seconds=59)
    await store.find(key)
    assert store.made()[0].used_at == begin
    clock.now += timedelta(seconds=1)
    await store.find(key)
    assert store.made()[0].used_at == clock.now


async def test_a_file_that_may_only_be_read_is_enough(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import agent.keys

    key = KeyStore(path).create("shop", ["chat"])
    opened = agent.keys.sqlite3.connect
    monkeypatch.setattr(
        agent.keys.sqlite3, "connect", lambda file, timeout: opened(f"file:{file}?mode=ro", timeout=timeout, uri=True)
    )
    assert await KeyStore(path).find(key)


def test_keys_made_at_the_same_time_are_all_kept(path: Path) -> None:
    with ThreadPool(8) as pool:
        pool.map(lambda number: KeyStore(path).create(f"{number}", ["chat"]), range(24))
    assert len(KeyStore(path).made()) == 24


def test_the_command_line_makes_lists_and_revokes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_KEYS", str(path))
    run = CliRunner().invoke
    made = run(app, ["keys", "create", "shop", "--scope", "chat", "--days", "30"])
    key = re.search(r"ll_\S{43}", made.output)
    assert made.exit_code == 0 and key
    shown = run(app, ["keys", "list"]).output
    assert key[0] not in shown
    assert run(app, ["keys", "create", "shop"]).exit_code == 1
    assert run(app, ["keys", "create", "other", "--scope", "everything"]).exit_code == 1
    assert run(app, ["keys", "revoke", "nobody"]).exit_code == 1
    assert run(app, ["keys", "revoke", "shop"]).exit_code == 0
    assert KeyStore(path).made()[0].revoked_at
    assert run(app, ["keys", "create", "shop"]).exit_code == 0


async def test_a_key_that_lasts_no_time_is_never_good(path: Path) -> None:
    store = KeyStore(path)
    assert await store.find(store.create("shop", ["chat"], lasts=timedelta())) is None


def test_a_key_lasts_a_day_at_least(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_KEYS", str(path))
    for days in ("0", "-1"):
        assert CliRunner().invoke(app, ["keys", "create", "shop", "--days", days]).exit_code == 2
    assert KeyStore(path).made() == []


def test_a_file_that_is_no_store_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    path.write_text("not a database at all, but long enough to look like one " * 50)
    monkeypatch.setenv("GUARD_KEYS", str(path))
    result = CliRunner().invoke(app, ["keys", "list"])
    assert result.exit_code == 1 and "keys.db" in result.output.replace("\n", "")


def test_keys_of_a_newer_program_are_refused_with_the_way_out(path: Path) -> None:
    KeyStore(path).create("shop", ["chat"])
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    for use in (KeyStore(path).check, lambda: KeyStore(path).create("other", ["chat"])):
        with pytest.raises(KeysNewer, match=f"{path}.*newer Landline.*landline keys create"):
            use()


def test_keys_that_cannot_be_read_now_stop_no_start(path: Path) -> None:
    KeyStore(path).check()
    path.parent.mkdir()
    path.write_text("no database at all, and long enough to be looked at" * 100)
    KeyStore(path).check()
