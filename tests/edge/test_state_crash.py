"""A loss of power at any step of the database, also while it is made, migrated, taken over or
recovered: a save that was reported is there, whole, and no start fails."""

import os
import random
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dave.edge.migrations import MIGRATIONS
from dave.edge.state import State
from dave.store.journal import entry_record
from tests.edge.crashing_database import Recorder, recording
from tests.edge.databases import contact_row, lay_out, renewal_row
from tests.edge.disks import FOLDER, MemoryDisk
from tests.edge.journals import Fixture
from tests.edge.test_journal_crash import recover as recover_journal

ROWS = 40
LATER = (*MIGRATIONS, "CREATE TABLE later (a BLOB) STRICT; INSERT INTO later VALUES (x'01')",
         "UPDATE renewals SET tries = 1 WHERE note <> ''")  # fmt: skip


class Both:
    """A journal and a database that live and crash together. `states` collects what a crash would
    leave of both after each step of either, and what had been acknowledged by then."""

    def __init__(self, path, rng, monkeypatch, per_step):
        self.path, self.rng, self.per_step = path, rng, per_step
        self.monkeypatch = monkeypatch
        self.states = []
        self.saved = 0
        self.disk = MemoryDisk()
        self.recorder = Recorder(path)
        self.disk.on_step = self.recorder.on_step = self.step
        self.journal = None
        self.journal = Fixture(FOLDER, self.disk)
        self.held, self.ticket = {}, 0
        self.state = None

    def step(self):
        acked = {}
        if self.journal is not None:
            acked = {ticket % 5: ticket for ticket, ok in list(self.journal.done) if ok}
        for _ in range(self.per_step):
            files = self.disk.crash_state(self.rng), self.recorder.crash_state(self.rng)
            self.states.append((files, acked, self.saved))

    def open(self, migrations):
        with self.monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", recording(self.recorder))
            self.state = State(self.path, migrations)
        assert self.state.notes == []

    def save(self):
        """One transaction: all renewals of a round, and some contacts."""
        note = str(self.saved + 1)
        rows = [renewal_row(n, note.rjust(60)) for n in range(ROWS)]
        contacts = [contact_row(self.rng.randrange(500)) for _ in range(20)]
        assert self.state.save(lambda: {"renewals": rows, "contacts": contacts}).result()
        self.saved += 1

    def append(self, count):
        for _ in range(count):
            self.ticket += 1
            self.held[self.ticket % 5] = self.ticket
            body = bytes([self.ticket % 5]) * 40
            self.journal.journal.append(entry_record(self.ticket, body), self.ticket)
        self.journal.wait(self.ticket)

    def live(self):
        """From nothing to a graceful stop: saves, takes over, migrates, compacts."""
        rng = self.rng
        for migrations in (MIGRATIONS, LATER[:2], LATER):
            self.open(migrations)
            self.state.load("renewals")
            for _ in range(rng.randrange(2, 5)):
                self.save()
                self.append(rng.randrange(3))
            self.journal.journal.compact(
                [[entry_record(n, bytes([key]) * 40)] for key, n in self.held.items()]
            )
            self.state.close()
        self.journal.close()


def recover_state(path, files, saved, again=None):
    """Start over what a crash left, and check it; `again` collects states of a second crash."""
    lay_out(path, files)
    recorder = Recorder(path)
    patch = pytest.MonkeyPatch()
    if again is not None:
        recorder.on_step = lambda: again(recorder)
        patch.setattr(sqlite3, "connect", recording(recorder))
    try:
        state = State(path, LATER)
    finally:
        patch.undo()
    try:
        assert state.notes == [] or not saved, state.notes
        rows = state.load("renewals")
        rounds = {row[-1].strip() for row in rows}
        if saved:
            assert rounds in ({str(saved)}, {str(saved + 1)})
            assert len(rows) == ROWS
        else:
            assert (rounds, len(rows)) in ((set(), 0), ({"1"}, ROWS))
        assert state.save(lambda: {"contacts": [contact_row(1)]}).result()
        assert state.failure is None
    finally:
        state.close()


@pytest.fixture
def folder():
    """In memory where there is such a folder: the crashes are made up, so that no sync matters."""
    shm = Path("/dev/shm")
    with TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as made:
        yield Path(made)


def check_crashes(folder, monkeypatch, seed, lives, per_step):
    """Live, crash everywhere, recover, crash in recovery, recover; how many states that were."""
    monkeypatch.setattr("dave.edge.database.STATE_WAL_BYTES_MAX", 40_000)
    rng = random.Random(seed)
    checked = 0
    for number in range(lives):
        home = folder / str(number)
        home.mkdir()
        both = Both(home / "state.db", rng, monkeypatch, per_step)
        both.live()
        recovered = folder / "recovered"
        recovered.mkdir(exist_ok=True)
        for (journal, database), acked, saved in both.states:
            twice = []

            def again(recorder, twice=twice):
                if rng.random() < 0.1:
                    twice.append(recorder.crash_state(rng))

            found, _ = recover_journal(journal)
            assert all(found.get(key, 0) >= ticket for key, ticket in acked.items())
            recover_state(recovered / "state.db", database, saved, again)
            for database_2 in twice:
                recover_state(recovered / "state.db", database_2, saved)
            for left in recovered.iterdir():
                left.unlink()
            checked += 1 + len(twice)
    return checked


def test_no_crash_at_any_step_loses_what_was_saved(folder, monkeypatch):
    assert check_crashes(folder, monkeypatch, seed=21, lives=1, per_step=2) > 200


@pytest.mark.soak
def test_ten_thousand_crash_states(folder, monkeypatch):
    assert check_crashes(folder, monkeypatch, seed=22, lives=12, per_step=4) > 10_000


def test_the_model_loses_what_was_not_synced(tmp_path, monkeypatch):
    """A database that does not sync its log loses saves in this model: it can fail."""
    path = tmp_path / "state.db"
    recorder = Recorder(path)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", recording(recorder))
        state = State(path)
    assert state.save(lambda: {"renewals": [renewal_row(1)]}).result()
    recorder._sync = lambda files: None
    before = dict(recorder.durable)
    assert state.save(lambda: {"renewals": [renewal_row(1), renewal_row(2)]}).result()
    assert recorder.durable == before
    rng = random.Random(1)
    found = set()
    for _ in range(20):
        lay_out(tmp_path / "other.db", recorder.crash_state(rng))
        other = State(tmp_path / "other.db")
        found.add(len(other.load("renewals")))
        other.close()
    state.close()
    assert found == {1, 2}
