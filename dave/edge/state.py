"""What outlives a node's process beside its entries: rows in SQLite, written by a thread of their
own, so that the event loop never waits for this disk.

A save names tables whole, and what has changed since the last save is written; or single rows,
where a table is too large for that. Each save is one transaction.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from dave.edge.database import Database, Row, is_damage
from dave.edge.migrations import MIGRATIONS, TABLES, Table

log = logging.getLogger("dave.state")

Rows = Mapping[str, Iterable[Row]]
"""By the name of the table."""


class State:
    """The open database of a node. `save` may be called from one thread, `load` before the first
    save only."""

    def __init__(self, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
        self.failure: str | None = None
        """Why the last save failed; the next one tries again."""
        self._database = Database(path, migrations)
        self._saved: dict[str, dict[Row, Row]] = {}
        """What tables saved whole are known to hold, by key."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dave state")
        for note in self._database.notes:
            log.warning("%s", note)

    @property
    def notes(self) -> list[str]:
        """What a person should know of the database, a sentence each."""
        return self._database.notes

    def load(self, name: str) -> list[Row]:
        """All rows of a table that is saved whole; of a damaged one those that can be read."""
        keys, databases = TABLES[name].keys, len(self.notes)
        rows = list(self.each(name))
        if len(self.notes) == databases:
            self._saved[name] = {row[:keys]: row for row in rows}
        # Those salvaged are not in the new database yet: the next save writes them.
        return rows + (self._database.salvaged if name == "renewals" else [])

    def each(self, name: str) -> Iterator[Row]:
        """The rows of a table one by one, up to where it turns out to be damaged."""
        table = TABLES[name]
        columns = ", ".join(table.columns)
        try:
            yield from self._database.connection.execute(f"SELECT {columns} FROM {table.name}")
        except sqlite3.Error as error:
            if is_damage(error):
                self._rebuild(error)

    def save(
        self,
        whole: Callable[[], Rows] | None = None,
        rows: Rows | None = None,
        gone: Rows | None = None,
    ) -> "Future[bool]":
        """Queue a transaction; its result is whether it is on the disk.

        `whole` is called in the writer's thread, and returns all rows of the tables that it names;
        `rows` are written, and those with the keys `gone` removed.
        """
        return self._thread.submit(self._save, whole, rows or {}, gone or {})

    def close(self) -> None:
        """Write what is queued, and give the files back. May be called again."""
        self._thread.shutdown()
        self._database.close()

    def _save(self, whole: Callable[[], Rows] | None, rows: Rows, gone: Rows) -> bool:
        try:
            tables = {name: list(each) for name, each in (whole() if whole else {}).items()}
        except Exception:
            log.exception("what was to be saved could not be gathered")
            return False
        for is_last in (False, True):
            try:
                self._write(tables, rows, gone)
            except (sqlite3.Error, OverflowError, OSError) as error:
                if is_damage(error) and not is_last:
                    self._rebuild(error)
                    continue
                self._failed(error)
                return False
            break
        try:
            self._database.checkpoint()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)  # what was committed is on the disk
        else:
            if self.failure is not None:
                log.warning("the node's database can be written again")
            self.failure = None
        return self._database.is_lasting

    def _write(self, whole: Mapping[str, list[Row]], rows: Rows, gone: Rows) -> None:
        """One transaction, of what differs from what is there."""
        connection = self._database.connection
        written: dict[str, dict[Row, Row]] = {}
        connection.execute("BEGIN IMMEDIATE")
        try:
            for name, each in whole.items():
                table, old = TABLES[name], self._saved.get(name, {})
                new = written[name] = {row[: table.keys]: row for row in each}
                _remove(connection, table, [key for key in old if key not in new])
                _put(connection, table, [row for key, row in new.items() if old.get(key) != row])
            for name in rows:
                _put(connection, TABLES[name], rows[name])
            for name in gone:
                _remove(connection, TABLES[name], gone[name])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._saved |= written

    def _rebuild(self, error: Exception) -> None:
        self._saved.clear()
        self._database.rebuild(str(error))
        log.warning("%s", self._database.notes[-1])

    def _failed(self, error: Exception) -> None:
        if self.failure != str(error):
            log.warning(
                "the node's database cannot be written (%s): what it should remember is in memory "
                "until that ends", error
            )  # fmt: skip
        self.failure = str(error)


def _put(connection: sqlite3.Connection, table: Table, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" * len(table.columns))
    columns = ", ".join(table.columns)
    connection.executemany(f"REPLACE INTO {table.name} ({columns}) VALUES ({marks})", rows)


def _remove(connection: sqlite3.Connection, table: Table, keys: Iterable[Row]) -> None:
    match = " AND ".join(f"{column} = ?" for column in table.columns[: table.keys])
    connection.executemany(f"DELETE FROM {table.name} WHERE {match}", keys)
