"""What a loss of power could leave of a SQLite database: its writes are recorded by looking at the
files after each statement; a crash state has any subset of the sectors written since the last
sync, each whole or torn.

It rests on what SQLite promises for WAL mode with synchronous=FULL (https://sqlite.org/wal.html): a
COMMIT appends to the log and syncs it; a checkpoint syncs the log, writes and syncs the main file,
and only then cuts the log off. The recorder asserts that each statement changes the files so.
"""

import os
import random
import sqlite3
from typing import Any

from tests.edge.databases import FILES

SECTOR = 512
_SHM = "-shm"  # never synced, rebuilt after a crash


class Recorder:
    """Watches the database at a path, from the files that are there on. `on_step` is called
    whenever the files changed, and may take `crash_state`s."""

    def __init__(self, path):
        self.path = str(path)
        self.on_step = lambda: None
        self.seen = self.look()
        self.durable = dict(self.seen)
        self.pending = []
        """Since the last sync: (file, offset, bytes), or (file, None, size or None) for a cut or a
        removal."""

    def look(self):
        found = {}
        for suffix in FILES:
            if suffix != _SHM and os.path.isfile(self.path + suffix):
                with open(self.path + suffix, "rb") as file:
                    found[suffix] = file.read()
        return found

    def note(self, statement):
        """A statement has been carried out."""
        before, self.seen = self.seen, self.look()
        changed = [s for s in FILES if before.get(s) != self.seen.get(s)]
        word = statement.split()[0].upper() if statement else ""
        is_checkpoint = "wal_checkpoint" in statement or statement == "close"
        if not changed:
            return
        if is_checkpoint:
            self._sync(before)  # the log, before the main file is touched
            self._write("", before)
            self.on_step()
            self._sync(before | {"": self.seen[""]})
            self._cut("-wal")
            self.on_step()
            return
        if word in ("BEGIN", "INSERT", "REPLACE", "DELETE", "ROLLBACK", "SELECT"):
            assert changed == ["-wal"], f"{statement} changed {changed}"
            self._write("-wal", before)
            self.on_step()
            return
        if word in ("COMMIT", "SCRIPT"):
            assert changed == ["-wal"], f"{statement} changed {changed}"
        for suffix in changed:
            self._write(suffix, before)
        self.on_step()
        self._sync(self.seen)
        self.on_step()

    def _write(self, suffix, before):
        old, new = before.get(suffix, b""), self.seen.get(suffix)
        if new is None:
            self.pending.append((suffix, None, None))
            return
        if suffix not in before:
            self.pending.append((suffix, 0, b""))
        for offset in range(0, len(new), SECTOR):
            sector = new[offset : offset + SECTOR]
            if old[offset : offset + SECTOR] != sector:
                self.pending.append((suffix, offset, sector))

    def _cut(self, suffix):
        new = self.seen.get(suffix)
        self.pending.append((suffix, None, None if new is None else len(new)))

    def _sync(self, files):
        self.durable, self.pending = dict(files), []

    def crash_state(self, rng: random.Random):
        """{suffix: bytes}."""
        files = {suffix: bytearray(data) for suffix, data in self.durable.items()}
        share = rng.choice([0.0, 0.3, 0.8, 0.95, 1.0])
        for suffix, offset, data in self.pending:
            if rng.random() >= share:
                continue
            if offset is None:
                if data is None:
                    files.pop(suffix, None)
                elif suffix in files:
                    del files[suffix][data:]
                continue
            file = files.setdefault(suffix, bytearray())
            if rng.random() < 0.05:
                data = data[: rng.randint(0, len(data))]
            if len(file) < offset:
                file += bytes(offset - len(file))
            file[offset : offset + len(data)] = data
        shm = rng.choice(["none", "stale", "garbage"])
        if shm == "stale" and os.path.isfile(self.path + _SHM):
            with open(self.path + _SHM, "rb") as index:
                files[_SHM] = bytearray(index.read())
        elif shm == "garbage":
            files[_SHM] = bytearray(rng.randbytes(32_768))
        return {suffix: bytes(data) for suffix, data in files.items()}


def recording(recorder):
    """A stand-in for `sqlite3.connect` whose connections to the recorder's path tell it what they
    do."""
    real = sqlite3.connect

    class Recording(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            cursor = super().execute(sql, *args)
            recorder.note(sql)
            return cursor

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
            cursor = super().executemany(sql, rows)
            recorder.note(sql)
            return cursor

        def executescript(self, sql: str) -> sqlite3.Cursor:
            cursor = super().executescript(sql)
            recorder.note("SCRIPT")
            return cursor

        def close(self) -> None:
            super().close()
            recorder.note("close")

    def connect(path, *args, **options):
        if str(path) != recorder.path:
            return real(path, *args, **options)
        made = real(path, *args, factory=Recording, **options)
        recorder.note("open")
        return made

    return connect
