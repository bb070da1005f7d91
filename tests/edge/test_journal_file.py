"""The journal on disk: nothing acknowledged is lost, whatever breaks and whenever."""

import random
from contextlib import suppress

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
from tests.edge.disks import FailingDisk
from tests.edge.journals import Fixture, segments
from tests.store.helpers import NOW, OPEN, entry, judge, put, small_store


def written(folder, *numbers):
    fixture = Fixture(folder)
    fixture.append(*numbers)
    return fixture.close()


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
        yield [floor_record(f) for f in store.floors.live(later)]
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
