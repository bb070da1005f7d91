"""The journal on disk: nothing acknowledged is lost, whatever breaks and whenever."""

import random
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.errors import JournalError, ReadOnly, StoreError
from dave.store.journal import (
    HEADER_COPY_BYTES,
    RECORDS_OFFSET,
    decode_header,
    encode_header,
    entry_record,
    floor_record,
)
from tests.edge.disks import FOLDER, FailingDisk, MemoryDisk
from tests.store.helpers import NOW, OPEN, entry, judge, put, small_store

WAIT = 20


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


def written(folder, *numbers):
    fixture = Fixture(folder)
    fixture.append(*numbers)
    return fixture.close()


def segments(folder):
    return sorted(p.name for p in folder.iterdir())


def test_what_was_appended_is_replayed_and_each_start_has_its_own_number(tmp_path):
    first = written(tmp_path, 1, 2, 3)
    second = written(tmp_path, 4)
    third = Fixture(tmp_path).close()
    assert (first.sequences, second.sequences, third.sequences) == ([], [1, 2, 3], [1, 2, 3, 4])
    assert [f.journal.start for f in (first, second, third)] == [1, 2, 3]
    assert len({f.journal.id for f in (first, second, third)}) == 1
    assert third.journal.replay == (4, 0, [], [], [])
    assert third.journal.bytes_on_disk == 4 * (31 + 4)


def test_empty_segments_go_and_their_numbers_never_come_back(tmp_path):
    starts = [Fixture(tmp_path).close().journal.start for _ in range(5)]
    assert starts == [1, 2, 3, 4, 5]
    assert segments(tmp_path) == ["00000005.journal"]


def test_a_new_folder_has_a_new_journal_id(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    a, b = Fixture(tmp_path / "a").close(), Fixture(tmp_path / "b").close()
    assert a.journal.id != b.journal.id


def test_a_torn_tail_is_cut_and_reported_at_every_length(tmp_path):
    written(tmp_path, 1, 2)
    path = tmp_path / "00000001.journal"
    data = path.read_bytes()
    for size in range(RECORDS_OFFSET + 36, len(data)):
        for old in tmp_path.iterdir():
            old.unlink()
        path.write_bytes(data[:size])
        found = Fixture(tmp_path).close()
        assert found.sequences == [1]
        [torn] = found.journal.replay.torn
        assert torn == (path, RECORDS_OFFSET + 35, size)
        assert path.stat().st_size == RECORDS_OFFSET + 35
        assert Fixture(tmp_path).close().journal.replay.torn == []


def test_a_bad_record_is_skipped_reported_and_its_segment_survives_compaction(tmp_path):
    written(tmp_path, 1, 2, 3)
    path = tmp_path / "00000001.journal"
    data = bytearray(path.read_bytes())
    data[RECORDS_OFFSET + 35 + 33] ^= 1
    path.write_bytes(data)
    found = Fixture(tmp_path)
    assert found.sequences == [1, 3]
    assert found.journal.replay.damage == [(path, RECORDS_OFFSET + 35, RECORDS_OFFSET + 70)]
    found.journal.compact([[entry_record(1, b"body")], [entry_record(3, b"body")]])
    found.close()
    assert segments(tmp_path) == [
        "00000001.journal.damaged",
        "00000003.journal",
        "00000004.journal",
    ]
    assert (tmp_path / "00000001.journal.damaged").read_bytes() == data
    assert Fixture(tmp_path).close().sequences == [1, 3]


def test_records_the_store_cannot_read_keep_their_segment_too(tmp_path):
    written(tmp_path, 1)
    found = Fixture(tmp_path, refuse=1)
    assert found.journal.replay.unreadable == 1
    found.journal.compact([])
    found.close()
    assert "00000001.journal.damaged" in segments(tmp_path)


def test_a_header_copy_may_be_bad_both_may_not_and_a_newer_version_is_named(tmp_path):
    written(tmp_path, 1)
    path = tmp_path / "00000001.journal"
    data = path.read_bytes()
    path.write_bytes(bytes(HEADER_COPY_BYTES) + data[HEADER_COPY_BYTES:])
    found = Fixture(tmp_path).close()
    assert found.sequences == [1]
    assert found.journal.replay.damage == [(path, 0, RECORDS_OFFSET)]
    path.write_bytes(bytes(RECORDS_OFFSET) + data[RECORDS_OFFSET:])
    with pytest.raises(JournalError, match=r"00000001.journal: both copies.*move it away"):
        Fixture(tmp_path)
    header, _ = decode_header(data[:RECORDS_OFFSET])
    other = encode_header(header._replace(journal_id=bytes(16), segment=9))
    path.write_bytes(data)
    (tmp_path / "00000009.journal").write_bytes(other)
    with pytest.raises(JournalError, match="another journal"):
        Fixture(tmp_path)


def test_leftovers_of_a_crash_are_removed_and_reported(tmp_path):
    written(tmp_path, 1)
    (tmp_path / "00000007.new").write_bytes(b"half")
    found = Fixture(tmp_path).close()
    assert found.journal.replay.leftovers == [tmp_path / "00000007.new"]
    assert "00000007.new" not in segments(tmp_path)


def test_compaction_keeps_exactly_what_the_slices_hold_and_what_came_meanwhile(tmp_path):
    live = Fixture(tmp_path)
    live.append(*range(10))

    def slices():
        for n in range(5, 10):
            live.append(100 + n)
            yield [entry_record(n, b"body")]

    live.journal.compact(slices())
    live.append(200)
    live.wait(16)
    assert live.journal.bytes_on_disk == 11 * 35
    with pytest.raises(ReadOnly, match="closed"):
        live.close().journal.compact([])
    assert segments(tmp_path)[:2] == ["00000002.journal", "00000003.journal"]
    expected = [*range(5, 10), *range(105, 110), 200]
    assert sorted(Fixture(tmp_path).close().sequences) == expected


def test_a_store_survives_restarts_and_compaction(tmp_path):
    store, live, rng = small_store(), Fixture(tmp_path), random.Random(1)
    for i in range(400):
        item = entry(b"k%d" % (i % 200), value=rng.randbytes(50), at=NOW + i, ttl=9_000)
        if put(store, item, i, NOW + i)[0] == "STORED":
            live.journal.append(entry_record(i, item.data), i)
    brief = entry(b"brief", ttl=10)
    put(store, brief, 1_000)
    later = NOW + 20_000
    for n in range(256):
        store.expire_shard(n, later)

    def slices():
        yield [floor_record(f) for f in store.live_floors(later)]
        for n in range(256):
            yield [entry_record(*held) for held in store.entries_in_shard(n)]

    live.journal.compact(slices())
    live.close()
    copy = small_store()
    JournalFile(
        tmp_path,
        Sync.ALWAYS,
        lambda records: copy.load_records(records, later),
        lambda tickets, ok: None,
        lambda error: None,
    ).close()
    held = [sorted(r for n in range(256) for r in s.entries_in_shard(n)) for s in (store, copy)]
    assert held[0] == held[1] != []
    assert judge(copy, entry(b"brief", at=NOW - 1), later).status.name == "EXPIRED"
    assert OPEN.asks_work


@pytest.mark.parametrize(
    "only", ["create", "write", "sync", "rename", "remove", "sync_folder", "truncate"]
)
def test_whatever_fails_in_a_compaction_nothing_is_lost_and_it_can_be_tried_again(tmp_path, only):
    for at in range(1, 6):
        folder = tmp_path / str(at)
        folder.mkdir()
        disk = FailingDisk(only=(only,))
        live = Fixture(folder, disk)
        live.append(1, 2, 3)
        live.wait(3)
        disk.at = disk.calls + at
        with suppress(StoreError):  # some calls are not reached, then nothing fails
            live.journal.compact([[entry_record(n, b"body")] for n in (1, 2, 3)])
        live.append(4)
        live.wait(4)
        acked = [ticket for ticket, ok in live.done if ok]
        assert (live.journal.failure is None) == (4 in acked)
        disk.at = None
        if live.journal.failure is None:
            live.journal.compact([[entry_record(n, b"body") for n in (1, 2, 3, 4)]])
        live.close()
        after = Fixture(folder).close()
        assert set(after.sequences) >= set(acked)


def test_after_a_failed_write_no_compaction_deletes_anything(tmp_path):
    disk = FailingDisk(only=("sync",))
    live = Fixture(tmp_path, disk)
    live.append(1)
    live.wait(1)
    disk.at = disk.calls + 1
    live.append(2)
    live.wait(2)
    assert live.done == [(1, True), (2, False)]
    before = segments(tmp_path)
    with pytest.raises(ReadOnly, match="injected"):
        live.journal.compact([])
    assert segments(tmp_path) == before
    live.close()


def test_only_one_compaction_at_a_time(tmp_path):
    live = Fixture(tmp_path)

    def slices():
        with pytest.raises(StoreError, match="running already"):
            live.journal.compact([])
        yield [entry_record(1, b"")]

    live.journal.compact(slices())
    live.close()


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match="cannot open the journal"):
        Fixture(tmp_path, FailingDisk(only=("create",), at=1))
    with pytest.raises(StoreError, match="cannot open the journal"):
        Fixture(tmp_path / "absent")


# --- Crashes ---------------------------------------------------------------------------------


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
