"""What a database is opened with, and what its troubles are called."""

import stat
import sys
import traceback
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from sqlalchemy import text

from agent.database import Database, DatabaseError

OPENING = """
import asyncio, sys
from agent.database import Database

async def open_new(file):
    database = Database(file)
    await database.prepare()
    await database.aclose()

for file in sys.argv[1:]:
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(open_new(file))
"""


async def test_a_database_is_for_the_machines_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "run" / "conversations.db"
    database = Database(str(file))
    await database.prepare()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [file, *file.parent.glob("*-wal")]}
    await database.aclose()
    assert set(modes.values()) == {0o600} and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_all_processes_that_open_a_new_file_together_are_let_in(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.db" for number in range(40)]
    command = [sys.executable, "-c", OPENING, *map(str, files)]
    opening = [Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, bufsize=1) for _ in range(4)]
    for _ in files:
        assert [process.stdout and process.stdout.readline() for process in opening] == ["ready\n"] * 4
        for process in opening:
            assert process.stdin
            process.stdin.write("\n")
    assert [process.communicate()[1] for process in opening] == [""] * 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert not list(tmp_path.glob(".*"))


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


async def test_what_was_to_be_stored_stands_in_no_traceback(tmp_path: Path) -> None:
    database, said = Database(str(tmp_path / "one.db")), "confi" + "dential"
    with pytest.raises(DatabaseError) as failure:
        async with database.transaction() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:said)"), {"said": said})
    await database.aclose()
    assert said not in "".join(traceback.format_exception(failure.value))


async def test_a_files_name_is_taken_as_it_is(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "what? 100%.db"))
    await database.prepare()
    await database.aclose()
    assert [one.name for one in tmp_path.iterdir()] == ["what? 100%.db"]


async def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(str(tmp_path / "file" / "one.db"))
    with pytest.raises(DatabaseError):
        await database.prepare()
    await database.aclose()
