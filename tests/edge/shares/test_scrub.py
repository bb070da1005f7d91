"""Shares that the disk has forgotten are found, let go of, and told of."""

import asyncio
import errno

import pytest

from dave.crypto import merkle
from dave.edge.disk import Disk
from tests.edge.databases import lay_out
from tests.edge.share_making import WAIT, Scene, share


def run(story):
    return asyncio.run(asyncio.wait_for(story(), 60))


class Pace:
    """Takes the place of sleep, and stops the scrub after so many shares."""

    def __init__(self, count):
        self.count, self.slept, self.done = count, [], asyncio.Event()

    async def sleep(self, seconds):
        self.slept.append(seconds)
        if len(self.slept) >= self.count:
            self.done.set()
            await asyncio.Event().wait()


async def scrub(scene, count, **options):
    pace = Pace(count)
    task = asyncio.create_task(scene.keeper.scrub.run(1000.0, sleep=pace.sleep, **options))
    await asyncio.wait_for(pace.done.wait(), WAIT)
    task.cancel()
    return pace.slept


def damage(scene, data):
    path = scene.keeper.files.path(merkle.root(data))
    content = bytearray(path.read_bytes())
    content[len(data) // 2] ^= 1
    path.write_bytes(content)


def test_a_round_reads_each_share_at_its_pace_and_finds_what_is_damaged(tmp_path):
    async def story():
        scene, lost = Scene(tmp_path), []
        kept = [await scene.keep(share(2 * n), share(2 * n + 1)) for n in range(5)]
        scene.index.on_lost = lost.append
        damage(scene, share(3))
        assert await scrub(scene, 10) == [3.0] * 10
        assert (scene.keeper.scrub.looked, scene.keeper.scrub.damaged) == (10, 1)
        assert lost == [kept[1]]
        assert scene.index.stripe(kept[1].stripe_id) == (kept[1], 1)
        assert await scene.read(share(3)) is None
        await scene.close()
        assert not scene.keeper.files.path(merkle.root(share(3))).exists()

    run(story)


def test_what_was_adopted_is_looked_at_first(tmp_path):
    async def story():
        scene = Scene(tmp_path)
        for n in range(8):
            await scene.keep(share(n))
        damage(scene, share(7))
        await scene.close()
        lay_out(tmp_path / "shares.db", {})
        scene = Scene(tmp_path)
        assert len(scene.index) == 8, "nobody knows yet"
        await scrub(scene, 8)
        assert scene.keeper.scrub.damaged == 1
        assert len(scene.index) == 7
        await scene.close()

    run(story)


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_rounds_begin_so_often_at_most_and_suspects_are_looked_at_between(tmp_path, seconds):
    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(1))
        pace = Pace(2)
        task = asyncio.create_task(
            scene.keeper.scrub.run(1000.0, round_seconds=seconds, sleep=pace.sleep)
        )
        async with asyncio.timeout(WAIT):
            while not pace.slept:  # noqa: ASYNC110  nothing tells but the pace
                await asyncio.sleep(0.001)
        if seconds:
            assert not pace.done.is_set()
            scene.keeper.scrub.suspect(merkle.root(share(1)))
        await asyncio.wait_for(pace.done.wait(), WAIT)
        task.cancel()
        await scene.close()

    run(story)


def test_a_share_that_goes_meanwhile_is_no_damage(tmp_path):
    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(1))
        look = asyncio.create_task(scene.keeper.scrub.look(merkle.root(share(1))))
        scene.keeper.files.remove(merkle.root(share(1)))
        await scene.release(1)
        assert await look in (0, 3000)
        assert scene.keeper.scrub.damaged == 0
        assert await scene.keeper.scrub.look(merkle.root(share(1))) == 0
        await scene.close()

    run(story)


@pytest.mark.parametrize(
    ("error", "damaged"), [(errno.EMFILE, 0), (errno.ENOMEM, 0), (errno.EIO, 1), (errno.ENOENT, 1)]
)
def test_too_many_open_files_are_no_damage(tmp_path, monkeypatch, error, damaged):
    def failing(disk, path, offset, size):
        raise OSError(error, "failed")

    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(1))
        with monkeypatch.context() as patch:
            patch.setattr(Disk, "read", failing)
            await scene.keeper.scrub.look(merkle.root(share(1)))
        assert scene.keeper.scrub.damaged == damaged
        assert await scene.read(share(1)) == (None if damaged else share(1))
        await scene.close()

    run(story)
