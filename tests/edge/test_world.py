"""What a node asks of the world goes where it belongs; a real node keeps shares, or none."""

import asyncio
import json
import subprocess
import sys
import time

import pytest

import dave
from dave.crypto import merkle
from dave.errors import StoreError, UsageError
from tests.edge.share_making import Scene, files_in, share
from tests.small_disk import small_disk


def run(story):
    return asyncio.run(asyncio.wait_for(story(), 60))


def test_a_node_without_room_for_shares_leaves_them_alone(tmp_path):
    async def story():
        scene = Scene(tmp_path)
        await scene.keep(share(1))
        await scene.close()
        before = files_in(tmp_path / "shares")
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path, blob_capacity=0)
        async with dave.Node(config) as node:
            assert node.world.shares is None
            assert node.core.shares is None
        assert files_in(tmp_path / "shares") == before

    run(story)


def test_a_node_reads_what_it_kept_and_scrubs(tmp_path):
    async def story():
        now_ms = time.time_ns() // 1_000_000
        scene = Scene(tmp_path, now=now_ms)
        await scene.keep(share(1), at=now_ms)
        await scene.close()
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path, secret=bytes(16))
        async with dave.Node(config) as node:
            keeper, read = node.world.shares, []
            assert (len(keeper.index), keeper.index.capacity_bytes > 0) == (1, True)
            assert node.core.shares.index is keeper.index
            node.core.shares.effects.read(
                merkle.root(share(1)), 0, 9000, lambda data, now: read.append(data)
            )
            node._runner.flush()
            async with asyncio.timeout(20):
                while not (read and keeper.scrub.looked):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            assert read == [share(1)]

    run(story)


def test_a_node_whose_shares_cannot_be_read_lets_all_go(tmp_path):
    (tmp_path / "shares").mkdir()
    (tmp_path / "shares" / "00").write_bytes(b"no folder")

    async def start(capacity):
        config = dave.Config(listen="127.0.0.1:0", data=tmp_path, blob_capacity=capacity)
        async with dave.Node(config) as node:
            return node.world.shares

    async def story():
        with pytest.raises(StoreError, match="--blob-capacity 0"):
            await start(None)
        with pytest.raises(UsageError, match="--blob-capacity"):
            await start(-1)
        assert await start(0) is None, "nothing holds the folder"

    run(story)


FILL = """
import asyncio, json, sys
from pathlib import Path
from tests.edge.share_making import Scene, record_of, share

async def main():
    scene, count = Scene(Path(sys.argv[1])), 0
    while count < 500:
        data = share(count, 60_000)
        if scene.index.holds(record_of(data).address(0)) is None:
            if not await scene.answer(scene.put(data, record_of(data))):
                break
        count += 1
    reads = [await scene.read(share(n, 60_000)) == share(n, 60_000) for n in range(count)]
    print(json.dumps([count, all(reads), scene.keeper.status()["failure"]]))
    await scene.close()

asyncio.run(main())
"""


def test_a_full_disk_takes_no_share_more_and_gives_all_it_has(tmp_path):
    with small_disk(tmp_path / "disk", 4096) as disk:

        def fill():
            prefix = [] if disk is None else disk.prefix
            command = [*prefix, sys.executable, "-c", FILL, str(tmp_path / "disk" / "node")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        count, all_read, failure = fill()
        assert all_read
        if disk is not None:
            assert 40 < count < 66, "a sixteenth of the disk is left to the journal"
            assert "No space" in failure
            disk.resize(8192)
            more, all_read, _ = fill()
            assert (more > count, all_read) == (True, True)
