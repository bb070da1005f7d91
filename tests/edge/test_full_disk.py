"""A disk that is full, or fails: nothing is acknowledged after it, reads go on, and a restart finds
all that was acknowledged."""

import asyncio
import os
import subprocess

import pytest

import dave
from dave.edge.keyfile import save_network_secret
from tests.edge.disks import FailingDisk
from tests.edge.file_puts import content
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
        assert node.stderr.count("critical: the journal cannot be written") == 1
        assert all_read(node, key, count)
        assert node.stop() == 0
        if disk is not None:
            disk.resize(8 * KIBIBYTES)
        mended = {} if disk is None else limits
        node = home.start(*args, data="disk/node", **mended)
        assert all_read(node, key, count)
        with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
            assert d.put("after", b"room again", ttl=3600, listed=False).stored == 1


FILE = content(100_000)


def put(node, key, name, content):
    """A put that is refused; why."""
    with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
        with pytest.raises(dave.NotStored) as caught:
            d.put(name, content, ttl=3600, listed=False)
        receipt = caught.value.receipt
        return str(caught.value) if receipt is None else receipt.refused[0].reason


def test_a_node_starts_and_reads_on_a_disk_without_a_byte_left(home):
    secret, key = home.folder / "secret", dave.Key.generate()
    save_network_secret(secret, SECRET)
    with small_disk(home.folder / "disk", 4096) as disk:
        if disk is None:
            assert "CI" not in os.environ, "CI must be able to make a small disk: root, util-linux"
            pytest.skip("no small disk can be made here: it takes Linux, root and util-linux")
        run = {"data": "disk/node", "prefix": disk.prefix}
        args = ("--secret-file", secret)
        node = home.start(*args, **run)
        with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
            for name, what in (("k0", value(0)), ("file", FILE)):
                d.put(name, what, ttl=3600, listed=False)
        assert node.stop() == 0
        data = home.folder / "disk" / "node"
        fill = f"cat /dev/zero > {data}/filler; test $(df --output=avail {data} | tail -1) = 0"
        subprocess.run([*disk.prefix, "sh", "-c", fill], check=True, stderr=subprocess.DEVNULL)
        for _ in range(2):  # a start leaves nothing that the next one stumbles over
            node = home.start(*args, **run)
            with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
                assert (d.get("k0").value, d.get("file").value) == (value(0), FILE)
            assert put(node, key, "k1", b"v") == "read_only"
            assert "at 1 node" in put(node, key, "file2", content(100_000, seed=2))
            status = home.dave("status", "--data", data, prefix=disk.prefix)
            assert "READ ONLY  [Errno 28] No space left on device" in status.out
            assert "Traceback" not in node.stderr
            assert node.stop() == 0
        subprocess.run([*disk.prefix, "rm", data / "filler"], check=True)
        node = home.start(*args, **run)
        with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
            assert (d.get("k0").value, d.get("file").value) == (value(0), FILE)
            assert d.put("k1", b"room again", ttl=3600, listed=False).stored == 1
            assert d.put("file2", content(50_000, seed=2), ttl=3600, listed=False).stored == 1


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
