"""The tree of shares: whole or not at all, and it tells by itself what is kept for whom."""

import errno
import os
import random
from pathlib import Path

import pytest

from dave.crypto import merkle
from dave.edge.shares.files import FOOTER_BYTES, ShareFiles, footer
from tests.edge.disks import FailingDisk
from tests.edge.share_disk import TreeDisk
from tests.edge.share_making import files_in, record_of, share

ROOT = Path("/data/shares")


def write(files, data, record, mask=1, durable=True):
    files.write(merkle.root(data), [data[:100], data[100:]], record.data, mask, durable=durable)
    return merkle.root(data)


def test_what_is_written_can_be_read_and_removed(tmp_path):
    files, data = ShareFiles(tmp_path / "shares"), share(1, 200_000)
    record = record_of(share(0, 200_000), data)
    address = write(files, data, record, 2)
    path = tmp_path / "shares" / address.hex()[:2] / address.hex()
    assert files.path(address) == path
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert files.read(address, 0, 200_000) == data
    assert files.read(address, 65_536, 10) == data[65_536:65_546]
    assert files.is_whole(address, 200_000)
    assert dict(files.found()) == {address: path.stat().st_size}
    assert files.origin(address, path.stat().st_size) == (record, 2)
    files.sync([address, bytes(32)])
    write(files, data, record, 2)  # once more, over the first
    files.remove(address)
    files.remove(address)
    assert dict(files.found()) == {}
    with pytest.raises(FileNotFoundError):
        files.read(address, 0, 1)


def test_what_a_crash_left_goes_and_what_is_not_ours_stays(tmp_path):
    files, data = ShareFiles(tmp_path), share(1)
    address = write(files, data, record_of(data))
    folder = files.path(address).parent
    (folder / f"{address.hex()}.new").write_bytes(b"half")
    other = bytes((address[0] ^ 1,)) + address[1:]
    others = ["notes.txt", address.hex().upper(), address.hex()[:-2], other.hex(), "ß" * 64]
    for name in others:
        (folder / name).write_bytes(b"mine")
    (tmp_path / "zz").mkdir()
    assert [found for found, _ in files.found()] == [address]
    assert sorted(files_in(tmp_path)) == sorted([address.hex(), *others])


def test_a_file_tells_its_record_only_if_it_is_whole():
    data, record = share(1, 500), record_of(share(1, 500), share(2, 500))
    address = merkle.root(data)
    whole = data + footer(500, record.data, 1)

    def origin(content):
        path = ShareFiles(ROOT).path(address)
        return ShareFiles(ROOT, TreeDisk({path: content})).origin(address, len(content))

    assert origin(whole) == (record, 1)
    for n in range(len(whole)):
        assert origin(whole[:n]) is None
        if n >= 500:
            flipped = whole[:n] + bytes((whole[n] ^ 1 << n % 8,)) + whole[n + 1 :]
            assert origin(flipped) is None
    assert origin(whole + b"\0") is None
    # Well-formed, and of another share.
    for mask in (0, 2, 3, 4):
        assert origin(data + footer(500, record.data, mask)) is None
    assert origin(data[:-1] + footer(499, record.data, 1)) is None
    assert origin(data + footer(500, record.data[:-1], 1)) is None
    assert len(whole) == 500 + len(record.data) + FOOTER_BYTES


def test_damage_is_found(tmp_path):
    files, data = ShareFiles(tmp_path), share(1)
    address = write(files, data, record_of(data))
    for damaged in (data[:-1] + b"x", data[:-1], b""):
        files.path(address).write_bytes(damaged)
        assert not files.is_whole(address, len(data))
    files.remove(address)
    with pytest.raises(FileNotFoundError):
        files.is_whole(address, len(data))


@pytest.mark.parametrize(
    "step", ["create", "write_pieces", "sync", "close", "rename", "sync_folder"]
)
def test_a_write_that_fails_leaves_nothing_behind(tmp_path, step):
    disk = FailingDisk(only=(step,), at=1, code=errno.ENOSPC)
    files, data = ShareFiles(tmp_path / "shares", disk), share(1)
    (tmp_path / "shares").mkdir()
    with pytest.raises(OSError, match="injected"):
        write(files, data, record_of(data))
    assert [name for name in files_in(tmp_path) if name.endswith(".new")] == []
    address = write(files, data, record_of(data))
    assert files.is_whole(address, len(data))


def test_what_a_failed_write_could_not_clean_up_is_no_hindrance(tmp_path):
    files, data = ShareFiles(tmp_path), share(1)
    path = files.path(merkle.root(data))
    path.parent.mkdir()
    path.with_name(path.name + ".new").write_bytes(b"half")
    assert files.is_whole(write(files, data, record_of(data)), len(data))


def test_room_is_left_for_the_journal(tmp_path):
    class Tight(FailingDisk):
        free = 0

        def room(self, folder):
            os.stat(folder)
            return self.free, 16 << 20

    disk, data = Tight(), share(1)
    files = ShareFiles(tmp_path, disk)
    disk.free = len(data) + (1 << 20) - 1
    with pytest.raises(OSError, match="No space left"):
        write(files, data, record_of(data))
    assert files_in(tmp_path) == {}
    disk.free += 1
    write(files, data, record_of(data))


def test_no_crash_at_any_step_leaves_half_a_share_or_loses_a_whole_one():
    rng, checked = random.Random(5), 0
    made = [share(n, 400) for n in range(6)]
    for _ in range(15):
        disk, done, states = TreeDisk(), {}, []

        def step(disk=disk, done=done, states=states):
            states.extend((disk.crash_state(rng), dict(done)) for _ in range(2))

        disk.on_step = step
        files = ShareFiles(ROOT, disk)
        for _ in range(8):
            data = rng.choice(made)
            address = merkle.root(data)
            if rng.random() < 0.25:
                done.pop(address, None)
                files.remove(address)
            else:
                write(files, data, record_of(data))
                done[address] = data
        for state, kept in states:
            after = ShareFiles(ROOT, TreeDisk(state, {path.parent for path in state}))
            found = dict(after.found())
            assert all(after.is_whole(address, 400) for address in found)
            assert all(after.origin(address, size) for address, size in found.items())
            assert all(address in found for address in kept)
            assert not [path for path in after.disk.files if path.suffix]
            checked += 1
    assert checked > 1_000


def test_what_is_written_without_syncing_is_durable_after_sync():
    disk, data = TreeDisk(), share(1, 400)
    files = ShareFiles(ROOT, disk)
    address = write(files, data, record_of(data), durable=False)
    rng = random.Random(1)
    assert any(files.path(address) not in disk.crash_state(rng) for _ in range(20))
    files.sync([address])
    for _ in range(20):
        assert disk.crash_state(rng)[files.path(address)][:400] == data
