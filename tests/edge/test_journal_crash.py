"""A loss of power at any step, a kill at any time: nothing acknowledged is lost."""

import random
import subprocess
import sys
from pathlib import Path

from dave.store.journal import entry_record
from tests.edge.disks import FOLDER, MemoryDisk
from tests.edge.journals import Fixture, segments


def recover(files, on_step=None):
    """Open the journal over what a crash left; {key: newest version} and the start count."""
    disk = MemoryDisk(files)
    if on_step is not None:
        disk.on_step = lambda: on_step(disk)
    fixture = Fixture(FOLDER, disk)
    fixture.close()
    newest = {}
    for record in fixture.records:
        key = record.body[0]
        newest[key] = max(newest.get(key, 0), record.sequence)
    return newest, fixture.journal.start


def run_and_collect(rng, states):
    """A life of appends and compactions; collects (crash state, what was acknowledged by then,
    start counts used) after every step of the disk."""
    disk = MemoryDisk()
    live = held = None

    def step():
        # Tickets grow, so the last of a key is its newest.
        acked = {ticket % 5: ticket for ticket, ok in (list(live.done) if live else []) if ok}
        states.extend((disk.crash_state(rng), acked) for _ in range(2))

    disk.on_step = step
    live = Fixture(FOLDER, disk)
    held, ticket = {}, 0

    def append(count):
        nonlocal ticket
        for _ in range(count):
            ticket += 1
            held[ticket % 5] = ticket
            live.journal.append(entry_record(ticket, bytes([ticket % 5]) * 40), ticket)

    def slices():
        for key in range(5):
            if rng.random() < 0.5:
                append(1)
            if key in held:
                yield [entry_record(held[key], bytes([key]) * 40)]

    for _ in range(2):
        append(rng.randrange(1, 5))
        live.wait(ticket)
        append(rng.randrange(3))
        live.journal.compact(slices())
    append(2)
    live.close()


def test_no_crash_at_any_step_loses_what_was_acknowledged():
    rng = random.Random(11)
    checked = 0
    for _ in range(12):
        states = []
        run_and_collect(rng, states)
        for files, acked in states:
            again = []

            def step(disk, again=again):
                if rng.random() < 0.2:
                    again.append(disk.crash_state(rng))

            found, start = recover(files, step)
            assert all(found.get(key, 0) >= ticket for key, ticket in acked.items()), files.keys()
            assert all(start > int(name[:8]) for name in files if name.endswith(".journal"))
            checked += 1
            # A second crash, while recovering from the first.
            for files_2 in again:
                found, _ = recover(files_2)
                assert all(found.get(key, 0) >= ticket for key, ticket in acked.items())
                checked += 1
    assert checked > 2_000


WORKER = """
import sys
from pathlib import Path
from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.store.journal import entry_record

held = {}
def on_records(records):
    for r in records:
        if r.sequence > held.get(r.body[0], 0):
            held[r.body[0]] = r.sequence
    return 0
def on_committed(tickets, ok):
    sys.stdout.write("".join(f"{t}\\n" for t in tickets if ok))
    sys.stdout.flush()
journal = JournalFile(Path(sys.argv[1]), Sync.ALWAYS, on_records, on_committed, print)
n = journal.start << 32
while True:
    for _ in range(20):
        n += 1
        held[n % 50] = n
        journal.append(entry_record(n, bytes([n % 50]) * 99), n)
    journal.compact([[entry_record(s, bytes([k]) * 99)] for k, s in held.items()])
"""


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path):
    rng = random.Random(12)
    acked = {}
    for _ in range(8):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        lines = [worker.stdout.readline() for _ in range(rng.randrange(1, 120))]
        worker.kill()
        lines += worker.stdout.read().split("\n")[:-1]
        worker.stdout.close()
        worker.wait()
        for line in lines:
            n = int(line)
            assert n > acked.get(n % 50, 0), "a sequence was used twice"
            acked[n % 50] = n
        found = {}
        fixture = Fixture(tmp_path).close()
        for record in fixture.records:
            found[record.body[0]] = max(found.get(record.body[0], 0), record.sequence)
        assert all(found.get(key, 0) >= n for key, n in acked.items())
    assert len(acked) == 50
    assert Path(tmp_path, segments(tmp_path)[0]).stat().st_size < 100_000
