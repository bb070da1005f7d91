"""A node's shares and a process that is killed at any time: nothing acknowledged is lost, nothing
half-written is held, and what was released stays away."""

import asyncio
import random
import subprocess
import sys

import pytest

from dave.crypto import merkle
from dave.edge.journal_writer import Sync
from tests.edge.share_making import Scene, share

KILLS = 8

WORKER = """
import asyncio, random, sys
from pathlib import Path
from dave.edge.journal_writer import Sync
from tests.edge.share_making import Scene, record_of, share

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

async def main():
    scene, first = Scene(Path(sys.argv[1]), sync=Sync(sys.argv[2])), int(sys.argv[3])
    rng, waiting = random.Random(first), []
    for n in range(first, first + 100_000):
        data, ticket = share(n, 20_000), scene.ticket()
        ticket = scene.put(data, record_of(data, upload=n))
        waiting.append((n, ticket))
        if len(waiting) == 8:
            n, ticket = waiting.pop(0)
            assert await scene.answer(ticket) is True
            say("kept", n)
            if rng.random() < 0.2:
                say("releasing", n)
                await scene.release(n)
                say("released", n)

asyncio.run(main())
"""


def live(path, sync, first, lines):
    """Run a worker, kill it after so many lines; all lines that it said."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), sync.value, str(first)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = [worker.stdout.readline() for _ in range(lines)]
    worker.kill()
    said += worker.stdout.read().split("\n")[:-1]
    worker.stdout.close()
    worker.wait()
    assert all(said), "it ended by itself"
    return [line.split() for line in said]


@pytest.mark.parametrize("sync", [Sync.ALWAYS, Sync.SECOND])
def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path, sync):
    rng, kept, releasing, released = random.Random(4), set(), set(), set()
    for n in range(KILLS):
        for word, number in live(tmp_path, sync, n * 100_000, rng.randrange(1, 150)):
            {"kept": kept, "releasing": releasing, "released": released}[word].add(int(number))

        async def look():
            scene = Scene(tmp_path, sync=sync)
            for n in sorted(kept - releasing):
                data = share(n, 20_000)
                assert await scene.read(data) == data
            for n in sorted(released):
                assert scene.index.holds(merkle.root(share(n, 20_000))) is None
            for slice_ in range(256):
                for stripe_id in scene.index.stripes_in(slice_):
                    address = scene.index.stripe(stripe_id)[0].address(0)
                    assert scene.keeper.files.is_whole(address, 20_000)
            # Of a release that was cut short a share may be gone before its record.
            assert scene.keeper.loaded.missing <= len(releasing - released)
            await scene.close()

        asyncio.run(look())
    assert len(kept) > 100
    assert released
