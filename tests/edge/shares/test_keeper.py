"""A node's shares in the world: what the core asks is done, in whatever order it comes."""

import asyncio
import os
import random

import pytest

from dave.crypto import merkle
from dave.edge.journal_writer import Sync
from dave.edge.limits import SHARE_CAPACITY_BYTES_DEFAULT
from dave.effects import ReadShare, Rebuild, WriteShare
from dave.errors import StoreError
from dave.files.code import parity
from tests.edge.share_making import Scene, drop, key_of, record_of, share
from tests.edge.shares.test_database import rows
from tests.store.helpers import NOW


def on_disk(scene):
    return set(dict(scene.keeper.files.found()))


def run(story, *arguments):
    return asyncio.run(asyncio.wait_for(story(*arguments), 60))


@pytest.mark.parametrize("sync", Sync)
def test_shares_outlive_the_process(tmp_path, sync):
    async def story():
        scene, made = Scene(tmp_path, sync=sync), [share(n) for n in range(20)]
        kept = [await scene.keep(data) for data in made]
        await scene.release(99)
        assert (await scene.read(made[3]), scene.flushes > 0) == (made[3], True)
        await scene.close()

        again = Scene(tmp_path, sync=sync)
        assert again.keeper.status() == {
            "shares": 20, "bytes_used": 20 * 40 * 1024, "bytes_capacity": 1 << 30,
            "scrubbed": 0, "damaged": 0, "missing": 0, "failure": None, "notes": [],
        }  # fmt: skip
        assert [again.index.stripe(record.stripe_id) for record in kept] == [
            (record, 1) for record in kept
        ]
        assert [await again.read(data) for data in made] == made
        late = again.index.judge(record_of(share(50), upload=99), 0, NOW)
        assert late.status.name == "RELEASED"
        await again.close()

    run(story)


def test_a_share_is_read_to_its_end_and_not_beyond(tmp_path):
    async def story():
        scene, data = Scene(tmp_path), share(1, 5000)
        await scene.keep(data)
        assert await scene.read(data, 4000, 9000) == data[4000:]
        assert await scene.read(data, 5000) == b""
        assert await scene.read(data, 6000) == b""
        assert await scene.read(share(2)) is None
        await scene.close()

    run(story)


def test_a_release_removes_what_nothing_else_holds(tmp_path):
    async def story():
        scene = Scene(tmp_path)
        one, two, three = share(1), share(2), share(3)
        await scene.keep(one, two)
        kept = await scene.keep(two, three, upload=2)
        assert await scene.release(1) == 1
        assert await scene.read(one) is None
        assert await scene.read(two) == two
        await scene.close()
        again = Scene(tmp_path)
        assert on_disk(again) == {merkle.root(two), merkle.root(three)}
        assert rows(again.keeper.database) == {key_of(kept): (kept, 3)}
        await again.close()

    run(story)


def test_what_the_index_refuses_in_the_end_is_removed(tmp_path):
    async def story():
        scene, data = Scene(tmp_path), share(1)
        record = record_of(data, ttl=10)
        ticket = scene.put(data, record)
        scene.then[ticket] = lambda ok: scene.keeper.carry_out(
            drop(scene.index.insert(record, 0, NOW + 10_000).gone)
        )
        assert await scene.answer(ticket) is True
        await scene.close()
        assert on_disk(scene) == set()
        again = Scene(tmp_path)
        assert rows(again.keeper.database) == {}
        await again.close()

    run(story)


def test_one_of_two_writes_of_a_share_that_is_refused_takes_nothing_away(tmp_path):
    async def story():
        scene, data = Scene(tmp_path), share(1)
        first, second = record_of(data, ttl=10), record_of(data, share(2))
        one, two = scene.put(data, first), scene.put(data, second)
        scene.then[one] = lambda ok: scene.keeper.carry_out(
            drop(scene.index.insert(first, 0, NOW + 10_000).gone)
        )
        assert [await scene.answer(one), await scene.answer(two)] == [True, True]
        assert await scene.read(data) == data
        await scene.close()
        assert on_disk(scene) == {merkle.root(data)}
        again = Scene(tmp_path)
        assert rows(again.keeper.database) == {key_of(second): (second, 1)}
        await again.close()

    run(story)


def test_whatever_comes_in_whatever_order_disk_and_index_agree(tmp_path):
    async def life(path, rng):
        scene, made = Scene(path, sync=Sync.NEVER), [share(n, 300) for n in range(5)]
        waiting = []
        for _ in range(60):
            step = rng.random()
            data, other = rng.sample(made, 2)
            upload = rng.randrange(3)
            if step < 0.6:
                record = record_of(data, other, upload=upload)
                verdict = scene.index.judge(record, 0, NOW)
                if verdict.status.name == "WANTED" or verdict.is_new:
                    waiting.append(scene.put(data, record))
            elif step < 0.75:
                scene.keeper.carry_out(drop(scene.index.lost(merkle.root(data))))
            elif step < 0.9:
                scene.keeper.carry_out(ReadShare(-1 - len(waiting), merkle.root(data), 0, 300))
            else:
                await asyncio.sleep(rng.random() / 500)
        for ticket in waiting:
            assert await scene.answer(ticket) is True
        await scene.close()
        held = {merkle.root(data) for data in made if scene.index.holds(merkle.root(data))}
        assert on_disk(scene) == held
        before = {
            key_of(record): record
            for n in range(256)
            for stripe_id in scene.index.stripes_in(n)
            for record in scene.index.records(stripe_id)
        }
        again = Scene(path)
        assert {key: record for key, (record, _) in rows(again.keeper.database).items()} == before
        assert len(again.index) == len(held)
        assert (again.keeper.loaded.adopted, again.keeper.loaded.missing) == ([], 0)
        await again.close()

    for seed in range(10):
        run(life, tmp_path / str(seed), random.Random(seed))


def test_a_share_that_cannot_be_read_is_looked_at(tmp_path):
    async def story():
        scene, data = Scene(tmp_path), share(1)
        record, lost = await scene.keep(data), []
        scene.index.on_lost = lost.append
        scene.keeper.files.remove(merkle.root(data))
        scrub = asyncio.create_task(scene.keeper.scrub.run(1 << 40))
        assert await scene.read(data) is None
        async with asyncio.timeout(20):
            while not lost:  # noqa: ASYNC110  nothing tells but the callback
                await asyncio.sleep(0.001)
        assert (lost, scene.index.holds(merkle.root(data))) == ([record], None)
        scrub.cancel()
        await scene.close()

    run(story)


def test_rebuilding(tmp_path):
    async def story():
        scene, data = Scene(tmp_path), [share(n, 1000) for n in range(4)]
        data[3] = data[3][:700]  # as it is at the end of a file
        every = [*data, *map(bytes, parity([each.ljust(1000, b"\0") for each in data], 2))]
        wanted = (0, 3, 4)
        given = {number: every[number] for number in (5, 1, 4, 2)}
        scene.keeper.carry_out(Rebuild(7, (4, 6, 1000, 700), given, wanted))
        assert await scene.answer(7) == [every[n] for n in wanted]
        await scene.close()

    run(story)


def test_who_asks_for_what_cannot_be_computed_is_told(tmp_path, monkeypatch):
    def failing(k, n, shares):
        raise MemoryError

    monkeypatch.setattr("dave.files.stripes.recover", failing)

    async def story():
        scene = Scene(tmp_path)
        given = {0: bytes(10), 1: bytes(10)}
        scene.keeper.carry_out(Rebuild(7, (2, 3, 10, 10), given, (2,)))
        assert await scene.answer(7) is None
        await scene.close()

    run(story)


def test_the_capacity_is_at_most_half_of_what_is_free(tmp_path, monkeypatch):
    free = 0

    def room(disk, folder):
        os.stat(folder)
        return free, 1 << 20

    async def capacity():
        scene = Scene(tmp_path, capacity=None)
        held = sum(size for _, size in scene.keeper.files.found())
        if not held:
            await scene.keep(share(1))
        await scene.close()
        return scene.index.capacity_bytes, held

    monkeypatch.setattr("dave.edge.disk.Disk.room", room)
    free = 10_000_000
    assert run(capacity) == (5_000_000, 0)
    found, held = run(capacity)
    assert (held > 3000, found) == (True, (free + held) // 2)
    free = 1 << 50
    assert run(capacity)[0] == SHARE_CAPACITY_BYTES_DEFAULT


def test_a_tree_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "shares").mkdir()
    (tmp_path / "shares" / "00").write_bytes(b"no folder")

    async def story():
        Scene(tmp_path)

    with pytest.raises(StoreError, match="--blob-capacity 0"):
        run(story)


def test_a_full_disk_is_reported_and_removed(tmp_path, monkeypatch):
    async def story():
        scene, data = Scene(tmp_path), share(1)
        await scene.keep(share(0))
        monkeypatch.setattr("dave.edge.disk.Disk.room", lambda self, folder: (100, 1 << 30))
        scene.keeper.files._room = 0  # it is looked up at times only
        ticket = scene.put(data, record_of(data))
        assert await scene.answer(ticket) is False
        assert "No space" in scene.keeper.status()["failure"]
        assert await scene.read(share(0)) == share(0)
        monkeypatch.undo()
        await scene.keep(data)
        assert scene.keeper.status()["failure"] is None
        await scene.close()
        assert len(on_disk(scene)) == 2

    run(story)


def test_a_record_that_cannot_be_committed_takes_its_share_along(tmp_path):
    async def story():
        scene, data = Scene(tmp_path), share(1)
        await scene.keep(share(0))
        scene.keeper.database.is_broken = True
        ticket = scene.ticket()
        scene.keeper.carry_out(
            WriteShare(ticket, merkle.root(data), [data], record_of(data).data, 1)
        )
        assert await scene.answer(ticket) is False
        await scene.close()
        assert on_disk(scene) == {merkle.root(share(0))}

    run(story)
