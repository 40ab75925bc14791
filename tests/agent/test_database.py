"""What a database is opened with, and what its troubles are called."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.database import Database, DatabaseError


async def test_a_database_is_for_the_machines_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "run" / "conversations.db"
    database = Database(str(file))
    await database.prepare()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [file, *file.parent.glob("*-wal")]}
    await database.aclose()
    assert set(modes.values()) == {0o600} and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_what_was_deleted_stands_in_no_file(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "one.db"))
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE words (word TEXT)"))
        await connection.execute(text("INSERT INTO words VALUES ('confidential')"))
    async with database.transaction() as connection:
        await connection.execute(text("DELETE FROM words"))
    await database.wipe()
    assert not any(b"confidential" in file.read_bytes() for file in tmp_path.iterdir())
    await database.aclose()


@pytest.mark.parametrize("address", ["mysql://somewhere/db", "://", "postgresql://host:notaport/db"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(DatabaseError):
        Database(address)


async def test_a_server_that_is_away_is_an_error_without_its_password() -> None:
    database = Database("postgresql://landline:hidden@127.0.0.1:1/landline")
    with pytest.raises(DatabaseError) as failure:
        await database.prepare()
    await database.aclose()
    assert "hidden" not in str(failure.value)


async def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one.db").write_text("something else entirely, and long enough to be looked at\n" * 100)
    database = Database(str(tmp_path / "one.db"))
    with pytest.raises(DatabaseError):
        await database.prepare()
    await database.aclose()


async def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(str(tmp_path / "file" / "one.db"))
    with pytest.raises(DatabaseError):
        await database.prepare()
    await database.aclose()
