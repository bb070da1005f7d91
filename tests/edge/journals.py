"""An open journal for tests, and all that it reported."""

import threading

from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.store.journal import entry_record

WAIT = 20
"""Seconds after which a test that waits has failed."""


class Fixture:
    """An open journal and all it reported."""

    def __init__(self, folder, disk=None, sync=Sync.ALWAYS, refuse=0):
        self.records, self.done, self.failures = [], [], []
        self.changed = threading.Condition()
        self.refuse = refuse
        self.journal = JournalFile(
            folder, sync, self._records, self._committed, self.failures.append, disk
        )

    def _records(self, records):
        self.records += records
        return self.refuse if records else 0

    def _committed(self, tickets, ok):
        with self.changed:
            self.done += [(ticket, ok) for ticket in tickets]
            self.changed.notify_all()

    def append(self, *numbers, body=b"body"):
        for n in numbers:
            self.journal.append(entry_record(n, body), n)

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.done) >= count, WAIT)

    def close(self):
        self.journal.close()
        return self

    @property
    def sequences(self):
        return [r.sequence for r in self.records]


def segments(folder):
    return sorted(p.name for p in folder.iterdir())
