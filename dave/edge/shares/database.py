"""The database of what a node's shares are kept for: `shares.db`, opened as state.db is.

A row is a record and which shares of its stripe are here; nothing is acknowledged before its row is
committed, after its share is on the disk. At the start all rows are read into the index
(store/shares.py), which answers from then on; nothing else is ever read.

Each record carries a checksum, since SQLite has none. What is damaged is left out, and so is a
database that cannot be used: the shares themselves tell with which record they came
(files.py). What else is lost then is the further uploads that a share was kept for, as far
as their rows cannot be read.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from dave.crypto import hashes
from dave.edge.database import Database, is_damage
from dave.edge.migrations import Table
from dave.edge.shares.files import CHECKSUM_KEY
from dave.effects import DropShares, SaveRecord, SaveRelease, WriteShare
from dave.errors import WireError
from dave.share_limits import RELEASES_MAX
from dave.wire.stripe import StripeRecord

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE records (
        stripe BLOB NOT NULL CHECK (length(stripe) = 32),
        owner BLOB NOT NULL CHECK (length(owner) = 32),
        reference BLOB NOT NULL CHECK (length(reference) = 16),
        time INTEGER NOT NULL,
        mask INTEGER NOT NULL,
        record BLOB NOT NULL,
        checksum BLOB NOT NULL CHECK (length(checksum) = 16),
        PRIMARY KEY (stripe, owner, reference)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE releases (
        number INTEGER PRIMARY KEY,
        owner BLOB NOT NULL CHECK (length(owner) = 32),
        reference BLOB NOT NULL CHECK (length(reference) = 16),
        UNIQUE (owner, reference)
    ) STRICT;
    """,
)

# A row may be written by two who offer shares of one stripe: both masks count, the newer record.
_PUT = """
    INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        mask = mask | excluded.mask,
        record = CASE WHEN excluded.time >= time THEN excluded.record ELSE record END,
        checksum = CASE WHEN excluded.time >= time THEN excluded.checksum ELSE checksum END,
        time = max(time, excluded.time)
"""
_DROP = "DELETE FROM records WHERE stripe = ? AND owner = ? AND reference = ?"
_RELEASE = "INSERT OR REPLACE INTO releases (owner, reference) VALUES (?, ?)"
_TRIM = "DELETE FROM releases WHERE number <= (SELECT max(number) FROM releases) - ?"

Change = WriteShare | SaveRecord | DropShares | SaveRelease


class _Records(Database):
    """See Database."""

    tables: ClassVar[Mapping[str, Table]] = {
        table.name: table
        for table in (
            Table("records",
                  ("stripe", "owner", "reference", "time", "mask", "record", "checksum"), 3),
            Table("releases", ("number", "owner", "reference"), 1),
        )
    }  # fmt: skip
    precious = "records"
    found_anew = "the others are those that the shares came with"


class ShareDatabase:
    """The database, opened where there is one, else made at the first commit: most nodes never see
    a share. Opening never fails for what is wrong with file or disk: `notes` tell. Not for two
    threads at a time."""

    def __init__(self, path: Path, *, is_eager: bool = True) -> None:
        """`is_eager`: a commit is on the disk when it returns; else only `sync` makes sure."""
        self.is_broken = False
        """Damage was found: nothing can be committed until the node is started again."""
        self._path = path
        self._is_eager = is_eager
        self._database: _Records | None = None
        if os.path.lexists(path):
            self._open()

    @property
    def notes(self) -> list[str]:
        """What a person should know of the database, a sentence each."""
        return [] if self._database is None else self._database.notes

    @property
    def is_unread(self) -> bool:
        """Whether there may be rows on the disk that could not be read, such as while it is full:
        nothing is known to be unneeded."""
        return self._database is not None and not self._database.is_lasting

    def records(self) -> Iterator[tuple[StripeRecord, int, bool]]:
        """All records but for damaged ones, with their masks, and whether they are in the database:
        those are not that come from one that was set aside. Some may come twice."""
        if self._database is None:
            return
        columns = ", ".join(self._database.tables["records"].columns)
        try:
            for row in self._database.connection.execute(f"SELECT {columns} FROM records"):
                if (found := _checked(row)) is not None:
                    yield *found, True
        except sqlite3.Error as error:
            if is_damage(error):
                self._database.rebuild(str(error))
        for row in self._database.salvaged:
            if (found := _checked(row)) is not None:
                yield *found, False

    def releases(self) -> Iterator[tuple[bytes, bytes]]:
        """Owner and reference of the uploads that were released, the oldest first."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                yield from self._database.connection.execute(
                    "SELECT owner, reference FROM releases ORDER BY number"
                )

    def commit(self, changes: Iterable[Change]) -> None:
        """Make changes in their order, all or none. Raises sqlite3.Error or OSError."""
        if self._database is None:
            self._open()
        assert self._database is not None
        if self.is_broken or not self._database.is_lasting:
            raise OSError("the database of shares cannot be written")
        connection = self._database.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for change in changes:
                    _make(connection, change)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self.is_broken = is_damage(error)
            raise
        with suppress(sqlite3.Error, OSError):
            self._database.checkpoint()  # or the next time: what was committed is on the disk

    def sync(self) -> None:
        """Make durable what was committed, where that is not done at once. Raises OSError."""
        with suppress(FileNotFoundError):
            handle = os.open(f"{self._path}-wal", os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def close(self) -> None:
        """Give the files back. May be called again."""
        if self._database is not None:
            self._database.close()

    def _open(self) -> None:
        self._database = _Records(self._path, MIGRATIONS)
        if not self._is_eager:
            self._database.connection.execute("PRAGMA synchronous=NORMAL")


def _make(connection: sqlite3.Connection, change: Change) -> None:
    if isinstance(change, WriteShare | SaveRecord):
        record = StripeRecord(change.record)
        key = (record.stripe_id, record.owner, record.reference)
        checksum = hashes.record_checksum(CHECKSUM_KEY, record.data)
        connection.execute(_PUT, (*key, record.time, change.mask, record.data, checksum))
    elif isinstance(change, DropShares):
        connection.executemany(_DROP, change.records)
    else:
        connection.execute(_RELEASE, (change.owner, change.reference))
        connection.execute(_TRIM, (RELEASES_MAX,))


def _checked(row: tuple[object, ...]) -> tuple[StripeRecord, int] | None:
    """What a row says, if it is whole."""
    mask, data, checksum = row[4:7]
    if not isinstance(mask, int) or not isinstance(data, bytes):
        return None
    if hashes.record_checksum(CHECKSUM_KEY, data) != checksum:
        return None
    try:
        return StripeRecord(data), mask
    except WireError:
        return None
