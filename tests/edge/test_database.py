"""A database that is damaged, newer, or no database at all never keeps a node from starting."""

import logging
import os
import random
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dave.edge.database import Database, connect, is_damage
from dave.edge.limits import STATE_WAL_BYTES_MAX
from dave.edge.migrations import MIGRATIONS, TABLES
from dave.edge.state import State
from tests.edge.databases import (
    FILES,
    contact_row,
    files_of,
    lay_out,
    renewal_row,
    set_aside_in,
)
from tests.processes import ROOT

CONTACTS = [contact_row(n) for n in range(500)]
RENEWALS = [renewal_row(n) for n in range(500)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files of a database in use, with a write-ahead log."""
    path = tmp_path_factory.mktemp("whole") / "state.db"
    state = State(path)
    assert state.save(lambda: {"contacts": CONTACTS}).result()
    state._thread.submit(state._database.connection.execute, "PRAGMA wal_checkpoint").result()
    assert state.save(lambda: {"renewals": RENEWALS}).result()
    files = files_of(path)
    state.close()
    assert len(files["-wal"]) > 50_000
    assert len(files[""]) > 50_000
    return files


def opened(path):
    """(notes, contacts, renewals, whether it lasts) of what a node finds there; it can write."""
    state = State(path)
    try:
        contacts, renewals = state.load("contacts"), state.load("renewals")
        is_lasting = state.save(lambda: {"renewals": renewals, "contacts": contacts}).result()
        assert state.failure is None
        return state.notes, contacts, renewals, is_lasting
    finally:
        state.close()


def test_a_new_one_is_private(tmp_path):
    path = tmp_path / "state.db"
    assert opened(path) == ([], [], [], True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    database = Database(path)
    database.connection.execute("BEGIN IMMEDIATE")
    modes = {stat.S_IMODE(os.stat(f"{path}{each}").st_mode) for each in ("", "-wal", "-shm")}
    database.close()
    assert modes == {0o600}


def test_what_was_committed_is_found_again(tmp_path, whole):
    path = tmp_path / "state.db"
    lay_out(path, whole)
    notes, contacts, renewals, is_lasting = opened(path)
    assert (notes, is_lasting) == ([], True)
    assert (sorted(contacts), sorted(renewals)) == (sorted(CONTACTS), sorted(RENEWALS))


def test_without_or_with_garbage_in_the_index_of_the_log(tmp_path, whole):
    path = tmp_path / "state.db"
    for shm in (None, b"", os.urandom(32_768), bytes(100)):
        lay_out(path, whole | {"-shm": shm} if shm is not None else
                {name: data for name, data in whole.items() if name != "-shm"})  # fmt: skip
        notes, contacts, renewals, _ = opened(path)
        assert (notes, len(contacts), len(renewals)) == ([], 500, 500)


@pytest.mark.parametrize(
    "wal", [None, b"", b"garbage" * 10_000, bytes(40_000)], ids=["none", "empty", "junk", "zeros"]
)
def test_without_its_log_it_is_as_it_was_before(tmp_path, whole, wal):
    path = tmp_path / "state.db"
    files = {"": whole[""]} | ({} if wal is None else {"-wal": wal})
    lay_out(path, files)
    notes, contacts, renewals, is_lasting = opened(path)
    assert (notes, len(contacts), renewals, is_lasting) == ([], 500, [], True)


@pytest.mark.parametrize("size", [100, 4096, 20_000, -4096])
def test_cut_off_anywhere(tmp_path, whole, size):
    path = tmp_path / "state.db"
    lay_out(path, {"": whole[""][:size]})
    notes, contacts, _, is_lasting = opened(path)
    assert is_lasting
    assert len(notes) == 1
    assert contacts == []
    assert "set aside as" in notes[0]
    (aside,) = set_aside_in(tmp_path)
    assert aside.name in notes[0]
    assert aside.read_bytes() == whole[""][:size]
    assert opened(path)[0] == []  # the new one is good


@pytest.mark.parametrize("size", [1, -1])
def test_a_cut_that_sqlite_does_not_mind(tmp_path, whole, size):
    path = tmp_path / "state.db"
    lay_out(path, {"": whole[""][:size]})
    notes, contacts, _, is_lasting = opened(path)
    assert (notes, len(contacts), is_lasting) == ([], 0 if size == 1 else 500, True)


def test_an_empty_file_is_a_new_database(tmp_path):
    path = tmp_path / "state.db"
    path.touch()
    assert opened(path) == ([], [], [], True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"not a database" + data[14:],
        lambda data: os.urandom(len(data)),
        lambda data: data[:100] + os.urandom(3996) + data[4096:],
        lambda data: data[:4096] + os.urandom(len(data) - 4096),
        lambda data: b"#!/bin/sh\nexit 1\n",
    ],
    ids=["magic", "all", "schema", "pages", "script"],
)
def test_damage_in_the_file_itself(tmp_path, whole, damage):
    path = tmp_path / "state.db"
    lay_out(path, {"": damage(whole[""])})
    notes, _, _, is_lasting = opened(path)
    assert is_lasting
    assert len(notes) == 1
    assert len(set_aside_in(tmp_path)) == 1
    assert opened(path)[0] == []


def test_renewals_are_taken_out_of_a_damaged_database(tmp_path, whole):
    path = tmp_path / "state.db"
    lay_out(path, whole)
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        page = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'contacts'"
        ).fetchone()[0]
    data = bytearray(path.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = os.urandom(4096)
    lay_out(path, {"": bytes(data)})
    notes, contacts, renewals, is_lasting = opened(path)
    assert "500 renewals were taken over" in notes[0]
    assert (contacts, sorted(renewals), is_lasting) == ([], sorted(RENEWALS), True)
    assert sorted(opened(path)[2]) == sorted(RENEWALS)


@pytest.mark.parametrize("suffix", FILES)
def test_a_folder_in_its_place(tmp_path, suffix):
    path = tmp_path / "state.db"
    assert opened(path)[0] == []
    (tmp_path / f"state.db{suffix}").unlink(missing_ok=True)
    (tmp_path / f"state.db{suffix}" / "inside").mkdir(parents=True)
    notes, _, _, is_lasting = opened(path)
    assert is_lasting
    assert "is not a file" in notes[0]
    assert [p for p in tmp_path.iterdir() if "set-aside" in p.name and (p / "inside").is_dir()]


def test_a_newer_database_is_set_aside(tmp_path):
    path = tmp_path / "state.db"
    with closing(connect(path, (*MIGRATIONS, "CREATE TABLE more (a BLOB) STRICT"))):
        pass
    notes, _, _, is_lasting = opened(path)
    assert is_lasting
    assert f"version {len(MIGRATIONS) + 1}" in notes[0]
    assert "upgrade" in notes[0]
    with closing(sqlite3.connect(set_aside_in(tmp_path)[0])) as connection:
        assert connection.execute("SELECT count(*) FROM more").fetchone() == (0,)


def test_an_older_database_is_brought_up_to_date(tmp_path, whole):
    path = tmp_path / "state.db"
    lay_out(path, whole)
    steps = (*MIGRATIONS, "CREATE TABLE more (a BLOB) STRICT", "INSERT INTO more VALUES (x'01')")
    database = Database(path, steps)
    assert database.notes == []
    assert database.connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
    assert database.connection.execute("SELECT a FROM more").fetchall() == [(b"\x01",)]
    assert database.connection.execute("SELECT count(*) FROM renewals").fetchone() == (500,)
    database.close()


def test_somebody_elses_database_is_set_aside(tmp_path):
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE contacts (id)")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    notes, _, _, is_lasting = opened(path)
    assert is_lasting
    assert len(notes) == len(set_aside_in(tmp_path)) == 1


@pytest.mark.parametrize("folder", ["/proc", "/dev/null", "/nowhere"])
def test_where_nothing_can_be_written_it_is_in_memory(folder):
    notes, _, _, is_lasting = opened(Path(folder) / "state.db")
    assert not is_lasting
    assert "in memory only" in notes[0]


def test_names_for_those_set_aside_are_never_taken_twice(tmp_path):
    path = tmp_path / "state.db"
    for _ in range(5):
        path.write_bytes(b"garbage" * 100)
        assert len(opened(path)[0]) == 1
    assert len(set_aside_in(tmp_path)) == 5


def test_random_damage_never_raises(tmp_path, whole):
    rng = random.Random(3)
    path = tmp_path / "state.db"
    for _ in range(60):
        files = {name: bytearray(data) for name, data in whole.items()}
        for _ in range(rng.randint(1, 20)):
            data = files[rng.choice(list(files))]
            where = rng.randrange(len(data))
            data[where : where + rng.randint(1, 600)] = rng.randbytes(rng.randint(1, 600))
        lay_out(path, files)
        assert opened(path)[3], "it can always be written"
        assert opened(path)[0] == []


def test_damage_found_while_it_is_in_use(tmp_path, whole, caplog):
    path = tmp_path / "state.db"
    lay_out(path, whole)
    state = State(path)
    state.load("contacts")
    state.load("renewals")
    state._thread.submit(
        state._database.connection.execute, "PRAGMA wal_checkpoint(TRUNCATE)"
    ).result()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    state._thread.submit(state._database.connection.execute, "PRAGMA shrink_memory").result()
    with caplog.at_level(logging.WARNING):
        changed = [(*row[:-1], "changed") for row in RENEWALS]
        assert state.save(lambda: {"renewals": changed, "contacts": CONTACTS}).result()
    assert "set aside" in caplog.text
    state.close()
    notes, contacts, renewals, _ = opened(path)
    assert notes == []
    assert (sorted(contacts), sorted(renewals)) == (sorted(CONTACTS), sorted(changed))


def test_a_long_log_is_taken_over(tmp_path):
    path = tmp_path / "state.db"
    state = State(path)
    size = 0
    for round_ in range(40):
        rows = [renewal_row(n, f"{round_}" * 100) for n in range(400)]
        assert state.save(lambda rows=rows: {"renewals": rows}).result()
        size = max(size, os.path.getsize(f"{path}-wal"))
    state.close()
    assert STATE_WAL_BYTES_MAX // 2 < size < 2 * STATE_WAL_BYTES_MAX


FULL_DISK = """
import resource, sys
from pathlib import Path
from dave.edge.state import State
from tests.edge.databases import contact_row, renewal_row

path, limit = Path(sys.argv[1]), int(sys.argv[2])
state = State(path)
kept = [renewal_row(n) for n in range(20)]
assert state.save(lambda: {"renewals": kept}).result() or limit == 0
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
more = kept + [renewal_row(n) for n in range(20, 3000)]
assert not state.save(lambda: {"renewals": more}).result()
assert state.failure
assert not state.save(lambda: {"contacts": [contact_row(n) for n in range(3000)]}).result()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert state.save(lambda: {"renewals": more}).result()
assert state.failure is None
state.close()
"""


@pytest.mark.parametrize("limit", [100_000, 200_000])
def test_a_full_disk_fails_the_save_and_the_next_one_works(tmp_path, limit):
    path = tmp_path / "state.db"
    subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(limit)], cwd=ROOT, check=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    notes, _, renewals, _ = opened(path)
    assert (notes, len(renewals)) == ([], 3000)


def test_errors_that_tell_of_damage(tmp_path):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(MIGRATIONS[0])
        with pytest.raises(sqlite3.IntegrityError) as caught:
            connection.execute("INSERT INTO contacts VALUES (x'01', x'', x'', '', 0, 0, 0)")
        assert not is_damage(caught.value)
        with pytest.raises(sqlite3.OperationalError) as missing:
            connection.execute("SELECT * FROM nowhere")
        assert is_damage(missing.value)
    assert not is_damage(OSError(28, "no space"))
    assert not is_damage(sqlite3.OperationalError("without a code"))
    assert "renewals" in TABLES
