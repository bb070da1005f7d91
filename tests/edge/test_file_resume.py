"""Files through six real nodes: killed in the middle, the same command goes on, and next to nothing
travels twice."""

import asyncio
import random
import socket
import subprocess
import sys

import pytest

from dave.edge.keyfile import save_network_secret
from dave.share_limits import BLOCK_BYTES
from tests.edge.files.test_shares import cluster
from tests.edge.share_nodes import NETWORK
from tests.processes import PATIENCE_SECONDS, until_async

SIZE = 20 << 20
STRIPE = 6 * BLOCK_BYTES


@pytest.fixture
def received(monkeypatch):
    """Bytes that came to the sockets of the nodes in this process."""
    total = [0]
    recv = socket.socket.recv

    def counted(self, count):
        data = recv(self, count)
        total[0] += len(data)
        return data

    monkeypatch.setattr(socket.socket, "recv", counted)
    return total


class Command:
    """`dave` as a process beside the nodes of this one."""

    def __init__(self, home, edge):
        secret = home.folder / "secret"
        save_network_secret(secret, NETWORK["secret"])
        self._env = home.env()
        self._more = ["--edge", edge, "--network", NETWORK["network"], "--secret-file", str(secret)]

    def begin(self, *args):
        command = [sys.executable, "-m", "dave_cli", *map(str, args), *self._more]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self._env, stdout=pipe, stderr=pipe)

    async def run(self, *args):
        """To its end; its exit code and what it said."""
        process = self.begin(*args)
        out, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE_SECONDS)
        return process.returncode, out.decode(), err.decode()


def run(story):
    asyncio.run(asyncio.wait_for(story(), 4 * PATIENCE_SECONDS))


def stripes(node):
    """(record, mask) of each stripe of which a node keeps a share."""
    index = node.core.shares.index
    ids = [each for number in range(256) for each in index.stripes_in(number)]
    return [index.stripe(each) for each in ids]


def kept(nodes):
    """Bytes of shares that the nodes keep, and how many shares."""
    sizes = [
        record.size(number)
        for node in nodes
        for record, mask in stripes(node)
        for number in range(record.n)
        if mask >> number & 1
    ]
    return sum(sizes), len(sizes)


def test_there_and_back_and_again(home, tmp_path):
    async def story():
        async with cluster(tmp_path, 6) as (nodes, _, _):
            dave = Command(home, nodes[0].address)
            (tmp_path / "in").write_bytes(random.Random(1).randbytes(SIZE + 5))
            code, uri, err = await dave.run("put", "f", "--file", tmp_path / "in", "--ttl", "1h")
            assert code == 0, err
            assert (
                "at 6 nodes: all shares of each part are stored, any 2 of which may be lost" in err
            )
            size, count = kept(nodes)
            assert SIZE * 6 // 4 < size < SIZE * 6 // 4 + STRIPE
            code, _, err = await dave.run("get", uri.strip(), "--out", tmp_path / "out")
            assert code == 0, err
            assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()
            code, _, err = await dave.run("put", "f", "--file", tmp_path / "in", "--ttl", "1h")
            assert "22 of 22 parts were there already, 0 bytes were sent" in err
            assert kept(nodes) == (size, count), "the first put's records are released"
            code, _, err = await dave.run("rm", "f")
            assert code == 0, err
            await until_async(lambda: kept(nodes) == (0, 0))

    run(story)


def test_killed_and_killed_again(home, tmp_path, received):
    async def story():
        async with cluster(tmp_path, 6) as (nodes, _, _):
            dave, rng = Command(home, nodes[0].address), random.Random(7)
            (tmp_path / "in").write_bytes(rng.randbytes(2 * SIZE))
            put = ("put", "f", "--file", tmp_path / "in", "--ttl", "1h")
            kills = 0
            for _ in range(6):
                process = dave.begin(*put)
                limit = received[0] + rng.randrange(STRIPE, 4 * STRIPE)
                await until_async(lambda limit=limit: received[0] >= limit)
                process.kill()
                await asyncio.to_thread(process.communicate)
                kills += process.returncode != 0
            assert kills == 6
            code, uri, err = await dave.run(*put)
            assert code == 0, err
            whole = 2 * SIZE * 6 // 4
            assert received[0] < whole * 1.03 + kills * STRIPE
            assert whole <= kept(nodes)[0] < whole + STRIPE
            references = {record.reference for node in nodes for record, _ in stripes(node)}
            assert len(references) == 1, "it was one upload"
            code, _, err = await dave.run("get", uri.strip(), "--out", tmp_path / "out")
            assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()

    run(story)


def test_what_was_begun_can_be_released(home, tmp_path, received):
    async def story():
        async with cluster(tmp_path, 6) as (nodes, _, _):
            dave = Command(home, nodes[0].address)
            (tmp_path / "in").write_bytes(random.Random(3).randbytes(SIZE))
            process = dave.begin("put", "f", "--file", tmp_path / "in", "--ttl", "1h")
            await until_async(lambda: received[0] >= 5 * STRIPE)
            process.terminate()
            await asyncio.to_thread(process.communicate)
            await until_async(lambda: kept(nodes)[0] > 0)
            code, _, err = await dave.run("rm", "f")
            assert code == 0, err
            await until_async(lambda: kept(nodes) == (0, 0))

    run(story)
