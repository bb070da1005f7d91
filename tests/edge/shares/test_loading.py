"""Tree, database and index, brought together after whatever has happened to them."""

import asyncio
import errno
import shutil
import sqlite3

from dave.crypto import merkle
from dave.edge.database import connect
from dave.edge.disk import Disk
from tests.edge.databases import lay_out, set_aside_in
from tests.edge.share_making import Scene, drop, key_of, record_of, share
from tests.edge.shares.test_database import rows
from tests.store.helpers import NOW


def fill(path, count=6):
    """Shares 0 to `count`, each in a stripe of its own; their records."""

    async def story():
        scene = Scene(path)
        kept = [await scene.keep(share(n)) for n in range(count)]
        await scene.release(77)
        await scene.close()
        return kept

    return asyncio.run(story())


def load(path, look=lambda scene: None, now=NOW):
    """Start and end a keeper; what `look` says of it."""

    async def story():
        scene = Scene(path, now=now)
        found = look(scene)
        await scene.close()
        return found

    return asyncio.run(story())


def state(scene):
    """What is held, what the database has, what was adopted, how many are missing."""
    held = [n for n in range(20) if scene.index.holds(merkle.root(share(n)))]
    loaded = scene.keeper.loaded
    return held, sorted(rows(scene.keeper.database)), len(loaded.adopted), loaded.missing


def test_a_lost_database_is_made_again_from_the_shares(tmp_path):
    keys = sorted(map(key_of, fill(tmp_path)))
    lay_out(tmp_path / "shares.db", {})
    every = list(range(6))
    assert load(tmp_path, state) == (every, keys, 6, 0)
    assert load(tmp_path, state) == (every, keys, 0, 0)


def test_a_damaged_database_is_made_again_and_said(tmp_path):
    keys = sorted(map(key_of, fill(tmp_path)))
    lay_out(tmp_path / "shares.db", {"": b"damaged" * 4000})
    notes = load(tmp_path, lambda scene: scene.keeper.status()["notes"])
    assert len(notes) == 1
    assert load(tmp_path, state) == (list(range(6)), keys, 0, 0)
    assert len(set_aside_in(tmp_path)) == 1


def test_shares_that_are_missing_or_cut_are_not_held(tmp_path):
    kept = fill(tmp_path)
    files = load(tmp_path, lambda scene: scene.keeper.files)
    files.remove(merkle.root(share(1)))
    files.path(merkle.root(share(2))).write_bytes(share(2)[:100])
    held, keys, adopted, missing = load(tmp_path, state)
    assert (held, adopted, missing) == ([0, 3, 4, 5], 0, 2)
    assert keys == sorted(key_of(kept[n]) for n in held)
    assert load(tmp_path, state) == (held, keys, 0, 0), "and what was cut is removed"
    assert not files.path(merkle.root(share(2))).exists()


def test_a_share_without_a_row_is_held_by_the_record_it_came_with(tmp_path):
    fill(tmp_path / "one", 2)
    fill(tmp_path / "two", 4)
    for n in (2, 3):
        path = load(
            tmp_path / "two", lambda scene, n=n: scene.keeper.files.path(merkle.root(share(n)))
        )
        target = tmp_path / "one" / "shares" / path.parent.name
        target.mkdir(exist_ok=True)
        shutil.copy(path, target / path.name)
    assert load(tmp_path / "one", state)[0::2] == ([0, 1, 2, 3], 2)


def test_what_was_released_does_not_come_back_and_what_has_expired_until_time_is_known(tmp_path):
    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(0), upload=5)
        await scene.keep(share(1), ttl=10)
        await scene.keep(share(2))
        # As if the removal had not reached the disk when the power went.
        content = scene.keeper.files.path(merkle.root(share(0))).read_bytes()
        await scene.release(5)
        await scene.close()
        scene.keeper.files.path(merkle.root(share(0))).write_bytes(content)

    asyncio.run(story())
    assert load(tmp_path, lambda scene: state(scene)[0], NOW + 10_000) == [1, 2]
    load(tmp_path, expire, NOW + 10_000)
    key = key_of(record_of(share(2)))
    assert load(tmp_path, state, NOW + 10_000) == ([2], [key], 0, 0)
    files = load(tmp_path, lambda scene: dict(scene.keeper.files.found()), NOW + 10_000)
    assert list(files) == [merkle.root(share(2))]


def expire(scene):
    """As a node does that knows what time it is."""
    scene.keeper.carry_out(drop(scene.index.expire(scene.wall_ms)))


def test_records_salvaged_keep_further_uploads(tmp_path):
    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(0), upload=1)
        await scene.keep(share(0), upload=2)
        await scene.close()

    asyncio.run(story())
    # It has another table beside ours, of a version that we do not know.
    connection = sqlite3.connect(tmp_path / "shares.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    keys = sorted(key_of(record_of(share(0), upload=n)) for n in (1, 2))
    assert load(tmp_path, state) == ([0], keys, 0, 0)
    assert load(tmp_path, state) == ([0], keys, 0, 0)


def test_a_full_disk_at_the_start_costs_no_share(tmp_path, monkeypatch):
    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(0), upload=1, ttl=10)
        await scene.keep(share(0), upload=2)
        await scene.close()

    def full(path, *args):
        if path is not None:
            raise sqlite3.OperationalError("database or disk is full")
        return connect(path, *args)

    asyncio.run(story())
    later = NOW + 10_000  # the record that the share came with has expired, the other has not
    with monkeypatch.context() as patch:
        patch.setattr("dave.edge.database.connect", full)
        assert load(tmp_path, state_in_memory, later) == [0]
    load(tmp_path, expire, later)
    key = key_of(record_of(share(0), upload=2))
    assert load(tmp_path, state, later) == ([0], [key], 0, 0)


def state_in_memory(scene):
    """What is held while the database is in memory."""
    assert scene.keeper.status()["notes"]
    return [n for n in range(20) if scene.index.holds(merkle.root(share(n)))]


def test_a_bad_sector_does_not_keep_a_node_from_starting(tmp_path, monkeypatch):
    fill(tmp_path)
    lay_out(tmp_path / "shares.db", {})
    bad, read = merkle.root(share(3)), Disk.read

    def broken(disk, path, offset, size):
        if path.name == bad.hex():
            raise OSError(errno.EIO, "Input/output error")
        return read(disk, path, offset, size)

    monkeypatch.setattr(Disk, "read", broken)
    assert load(tmp_path, state)[0] == [0, 1, 2, 4, 5]
