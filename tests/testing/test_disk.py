"""The memory journal keeps what was committed, whatever happens when."""

from random import Random

import pytest

from dave.names import MS
from dave.store.journal import entry_record
from dave.testing.disk import Disk

BODIES = [bytes((n,)) * 50 for n in range(20)]


def record(n):
    return entry_record(n, BODIES[n])


def bodies(disk):
    return [record.body for record in disk.records()]


def test_one_commit_at_a_time_takes_all_that_waits():
    disk = Disk(Random(1), commit_ms=2)
    assert disk.open() == []
    assert disk.append(10, record(0), 0) == 2 * MS
    assert disk.append(11, record(1), 0) is None
    assert disk.append(12, record(2), MS) is None
    assert disk.committed(2 * MS) == ((10,), True, 4 * MS)
    assert bodies(disk) == BODIES[:1]
    assert disk.committed(4 * MS) == ((11, 12), True, None)
    assert bodies(disk) == BODIES[:3]


def test_a_crash_keeps_what_was_committed_and_at_most_a_part_of_the_rest():
    torn = 0
    for seed in range(60):
        disk = Disk(Random(seed))
        disk.open()
        disk.append(0, record(0), 0)
        disk.committed(2 * MS)
        disk.append(1, record(1), 3 * MS)
        disk.append(2, record(2), 3 * MS)
        disk.crash()
        found = [r.body for r in disk.open()]
        assert found in (BODIES[:1], BODIES[:2])
        torn += disk.torn
        assert disk.start_count == 2
        # It goes on as if nothing had been.
        disk.append(3, record(3), 0)
        assert disk.committed(2 * MS)[1]
        disk.crash()
        assert [r.body for r in disk.open()] == [*found, BODIES[3]]
    assert torn > 30, "most crashes tear a record"


def test_a_failing_disk_commits_nothing():
    disk = Disk(Random(1))
    disk.open()
    disk.append(7, record(0), 0)
    disk.fails = True
    assert disk.committed(2 * MS) == ((7,), False, None)
    assert bodies(disk) == []


def test_a_commit_that_nobody_waits_for_is_a_mistake():
    disk = Disk(Random(1))
    disk.open()
    with pytest.raises(AssertionError, match="no commit"):
        disk.committed(0)
