"""A node's SQLite database: opened, brought up to date, or set aside.

It runs in WAL mode with synchronous=FULL, so that a transaction survives a loss of power once its
commit returns, and is taken over into the main file only by `checkpoint`. What it holds can be
found anew, but for the renewals, so that a damaged one must never keep a node from starting: it is
set aside under a name that says when, and a new one is made. Where the disk lets nothing be
written, the node runs on a database in memory. All of that is said in `notes`.
"""

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar

from dave.edge.disk import sync_folder
from dave.edge.limits import STATE_SET_ASIDE_MAX, STATE_WAL_BYTES_MAX
from dave.edge.migrations import MIGRATIONS, TABLES, Table

Row = tuple[Any, ...]
"""In the order of the table's columns."""

SUFFIXES = ("", "-wal", "-shm", "-journal")
"""The files of a database."""

_DAMAGE = frozenset(
    (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_ERROR,  # such as a table that is not there
    )
)
"""After any other error, such as a full disk, the file may be whole: it is left where it is."""


class Unusable(Exception):
    """This file cannot be our database; the text says why."""


class Database:
    """An open database. Not for two threads at a time."""

    tables: ClassVar[Mapping[str, Table]] = TABLES
    precious = "renewals"
    """The table of which all that can be read is taken over from a damaged database."""
    found_anew = "contacts and trust are found anew"

    def __init__(self, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
        """Never raises for what is wrong with the file or the disk."""
        self.path = path
        self.notes: list[str] = []
        """What a person should know, a sentence each."""
        self.is_lasting = True
        """False: in memory only."""
        self.salvaged: list[Row] = []
        """What is precious and could still be read from a database that was set aside."""
        self._migrations = migrations
        self.connection = self._open()

    def rebuild(self, why: str) -> None:
        """Damage was found after opening: set the files aside, and begin anew."""
        with suppress(sqlite3.Error):
            self.connection.close()
        self.connection = self._anew(why)

    def checkpoint(self) -> None:
        """Take a long write-ahead log over into the main file. Raises sqlite3.Error."""
        wal = Path(f"{self.path}-wal")
        if self.is_lasting and wal.exists() and wal.stat().st_size > STATE_WAL_BYTES_MAX:
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Give the files back."""
        with suppress(sqlite3.Error):
            self.connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            for each in [Path(f"{self.path}{suffix}") for suffix in SUFFIXES]:
                if os.path.lexists(each) and not each.is_file():
                    raise Unusable(f"{each.name} is not a file")
            return connect(self.path, self._migrations, self.tables)
        except Unusable as error:
            return self._anew(str(error))
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                return self._anew(str(error))
            return self._in_memory(error)

    def _anew(self, why: str) -> sqlite3.Connection:
        try:
            aside = set_aside(self.path)
            self.salvaged = salvage(aside, self.tables[self.precious])
            self.notes.append(
                f"{self.path.name} could not be used ({why}); it was set aside as {aside.name} and "
                f"a new one was made: {len(self.salvaged)} {self.precious} were taken over, "
                f"{self.found_anew}"
            )
            return connect(self.path, self._migrations, self.tables)
        except (sqlite3.Error, OSError, Unusable) as error:
            return self._in_memory(error)

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        self.is_lasting = False
        self.notes.append(
            f"{self.path.name} cannot be written ({error}): until the disk is mended and the node "
            f"is started again, its {', '.join(self.tables)} are kept in memory only"
        )
        return connect(None, self._migrations, self.tables)


def is_damage(error: Exception) -> bool:
    """Whether an error tells that the file is not, or no more, a database of ours."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE


def connect(
    path: Path | None,
    migrations: Sequence[str] = MIGRATIONS,
    tables: Mapping[str, Table] = TABLES,
) -> sqlite3.Connection:
    """A connection to a database that is whole and up to date, made where there is none; None: in
    memory. Raises Unusable, sqlite3.Error or OSError."""
    if path is not None:
        # Secrets of the owner's life are in it, if not keys. The other files take over its mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        os.chmod(path, 0o600)
    connection = sqlite3.connect(
        ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = _text
    try:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA synchronous=FULL")
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if path is not None and mode != "wal":
            raise Unusable(f"its journal mode is {mode}")
        _migrate(connection, migrations)
        _check(connection, tables)
        if path is not None:
            sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= version <= len(migrations):
        raise Unusable(f"it has version {version}, and this Dave knows {len(migrations)}: upgrade")
    for number in range(version, len(migrations)):
        # One transaction a step: a crash leaves the step taken, or not.
        connection.executescript(
            f"BEGIN IMMEDIATE; {migrations[number]}; PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _check(connection: sqlite3.Connection, tables: Mapping[str, Table]) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Unusable(" ".join(found.split()))
    for table in tables.values():
        connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name} LIMIT 1")


def set_aside(path: Path) -> Path:
    """Rename the files of a database; returns the new name of the main one. Raises OSError."""
    stamp = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
    for number in range(STATE_SET_ASIDE_MAX):
        aside = path.with_name(f"{path.name}.set-aside-{stamp}{f'-{number}' if number else ''}")
        if not os.path.lexists(aside):
            break
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    sync_folder(path.parent)
    return aside


def salvage(aside: Path, table: Table = TABLES["renewals"]) -> list[Row]:
    """The rows of a table that can be read from a database that was set aside; whoever takes them
    in checks them one by one."""
    rows: list[Row] = []
    if not aside.is_file():
        return rows
    columns = ", ".join(table.columns)
    with suppress(sqlite3.Error), closing(sqlite3.connect(aside)) as connection:
        connection.execute("PRAGMA query_only=1")
        for row in connection.execute(f"SELECT {columns} FROM {table.name}"):
            rows.append(row)  # noqa: PERF402  those before the damage are good
    return rows


def _text(data: bytes) -> str:
    """Damage inside of a text is no reason to lose the rows around it."""
    return data.decode("utf-8", "replace")
