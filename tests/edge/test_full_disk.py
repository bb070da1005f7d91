"""A disk that is full, or fails: nothing is acknowledged after it, reads go on, and a restart finds
all that was acknowledged."""

import asyncio

import pytest

import dave
from dave.edge.keyfile import save_network_secret
from tests.edge.disks import FailingDisk
from tests.small_disk import small_disk

SECRET = bytes(range(16))
KIBIBYTES = 256
PUTS = 8


def value(n):
    return b"%d " % n * 300


def fill(node, key):
    """Put until the disk is full; how many puts were acknowledged, and why the next was not."""
    with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
        for n in range(2000):
            try:
                d.put(f"k{n}", value(n), ttl=3600, listed=False)
            except dave.NotStored as error:
                return n, [refusal.reason for refusal in error.receipt.refused]
    raise AssertionError("the disk was never full")


def all_read(node, key, count):
    with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
        return all(d.get(f"k{n}").value == value(n) for n in range(count))


def test_a_full_disk_loses_nothing_and_reads_go_on(home):
    secret, key = home.folder / "secret", dave.Key.generate()
    save_network_secret(secret, SECRET)
    with small_disk(home.folder / "disk", KIBIBYTES) as disk:
        limits = {"file_bytes_max": KIBIBYTES << 10} if disk is None else {"prefix": disk.prefix}
        args = ("--secret-file", secret, "--sync", "always")
        node = home.start(*args, data="disk/node", **limits)
        count, reasons = fill(node, key)
        assert count > 50
        assert reasons == ["read_only"]
        assert ("No space left" if disk else "File too large") in node.stderr
        assert all_read(node, key, count)
        assert node.stop() == 0
        if disk is not None:
            again = ("--listen", "127.0.0.1:0", "--data", home.folder / "disk" / "node", *args)
            refused = home.dave("run", *again, prefix=disk.prefix)
            assert refused.code == 2
            assert "make room on that disk" in refused.err
            assert "Traceback" not in refused.err
            disk.resize(8 * KIBIBYTES)
        mended = {} if disk is None else limits
        node = home.start(*args, data="disk/node", **mended)
        assert all_read(node, key, count)
        with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
            assert d.put("after", b"room again", ttl=3600, listed=False).stored == 1


async def put_some(folder, key):
    """Put some into a node of this process, on whatever disk it has; which were acknowledged."""
    config = dave.Config(listen="127.0.0.1:0", data=folder, capacity=1 << 20, secret=SECRET)
    acknowledged, refused = [], []
    async with dave.Node(config) as node, dave.connect(node.address, key=key, secret=SECRET) as d:
        for n in range(PUTS):
            try:
                await d.put(f"k{n}", value(n), ttl=3600, listed=False)
                acknowledged.append(n)
            except dave.NotStored as error:
                refused += [refusal.reason for refusal in error.receipt.refused]
        held = [await d.get(f"k{n}") for n in acknowledged]
    assert [entry.value for entry in held] == [value(n) for n in acknowledged]
    assert refused == ["read_only"] * (PUTS - len(acknowledged))
    return acknowledged


async def held_after_restart(folder, key):
    config = dave.Config(listen="127.0.0.1:0", data=folder, capacity=1 << 20, secret=SECRET)
    async with dave.Node(config) as node, dave.connect(node.address, key=key, secret=SECRET) as d:
        entries = [await d.get(f"k{n}") for n in range(PUTS)]
        await d.put("after", b"works", ttl=3600, listed=False)
        assert node.replay.damage == []
    return [n for n, entry in enumerate(entries) if entry is not None and entry.value == value(n)]


@pytest.mark.parametrize("only", [("write",), ("sync",)])
@pytest.mark.parametrize("nth", range(1, PUTS + 1))
def test_the_nth_write_or_fsync_fails_under_a_running_node(tmp_path, monkeypatch, only, nth):
    key, started = dave.Key.generate(), []

    class Failing(FailingDisk):
        """Fails from the n-th call on after the journal was opened."""

        def _count(self, name):
            if started:
                super()._count(name)

    disk = Failing(only=only, at=nth, once=False)
    with monkeypatch.context() as patch:
        patch.setattr("dave.edge.journal_file.Disk", lambda: disk)
        patch.setattr("dave.edge.journal_file.JournalWriter", start_counting(started))
        acknowledged = asyncio.run(put_some(tmp_path / "node", key))
    assert acknowledged == list(range(nth - 1)), "each put is one write and one fsync"
    held = asyncio.run(held_after_restart(tmp_path / "node", key))
    assert held[: len(acknowledged)] == acknowledged


def start_counting(started):
    from dave.edge.journal_writer import JournalWriter

    def writer(*args):
        started.append(True)
        return JournalWriter(*args)

    return writer
