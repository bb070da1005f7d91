"""Sixteen nodes and one client, all on this machine's loopback, beside libtorrent's signed mutable
items (BEP 44) in the same run and by the same client loop; then nodes are killed.

Both sign in the client and verify in every node; both make 8 copies. Dave's put also searches a
stamp, which the rival does not have: it is part of all figures, and told apart in a row. A put's
latency ends at the quorum (5 of 8), as `Client.put` returns; its rate and its CPU end when all
copies are made. A get's ends when two nodes agree (the default), or at the first copy as the
rival's does (`quorum=1`). `--sync never` is what the rival does: it keeps nothing on disk. Where
the package libtorrent is missing, figures that it reached once on such a machine take its place.
"""

import asyncio
import importlib.util
import random
import time
from collections.abc import Coroutine
from typing import Any

import uvloop

from bench import _failures
from bench._closed_loop import Figures, measure
from bench._cluster import Cluster, cluster
from bench._rows import row
from dave.crypto import hashes, sign
from dave.crypto.network import network
from dave.crypto.work import entry_work
from dave.edge.client import Client
from dave.edge.connect import connect
from dave.edge.keyfile import Key
from dave.edge.receipt import Receipt
from dave.edge.search import find_stamp
from dave.names import hybrid_time
from dave.wire.entry import Entry, encode

NODES = 16
VALUE_BYTES = 1000
TTL = 3600
NETWORK = "bench"
ONCE = Figures(0.75, 0.75, 0.27, 0.27, 1_809, 4_327, 1.01, 0.41)
"""libtorrent 2.0 on 2 cores; its p99 was not taken."""

CASES = (
    ("put_p50_ms", "put p50", "ms", True),
    ("put_p99_ms", "put p99", "ms", None),
    ("get_p50_ms", "get p50", "ms", True),
    ("get_p99_ms", "get p99", "ms", None),
    ("puts_per_second", "puts, 32 in flight", "puts/s", False),
    ("gets_per_second", "gets, 32 in flight", "gets/s", False),
    ("put_cpu_seconds", "CPU of 1,000 puts", "s", True),
    ("get_cpu_seconds", "CPU of 1,000 gets", "s", True),
)
"""Field of Figures, case, unit, whether less is better (None: no goal)."""


def run() -> list[dict[str, Any]]:
    """All cases."""
    against, name = rival_figures()
    rows = []
    for label, sync, quorum in (
        ("--sync always", "always", 2),
        ("--sync never", "never", 2),
        ("--sync never, quorum 1", "never", 1),
    ):
        with cluster(NETWORK, NODES, "--sync", sync) as nodes:
            rows += compare(label, _run(dave_figures(nodes, quorum)), against, name)
    rows.append(row("network", "of these, signature and stamp of a put", proofs_ms(), "ms"))
    with cluster(NETWORK, NODES) as nodes:
        rows += _run(_failures.rows(nodes))
    return rows


def rival_figures() -> tuple[Figures, str]:
    """libtorrent's, measured now if it is installed; and how to call them."""
    if importlib.util.find_spec("libtorrent") is None:
        return ONCE, "libtorrent once, not installed here"
    from bench._libtorrent import Rival, rival

    async def figures(theirs: Rival) -> Figures:
        await theirs.start()
        try:
            return await measure(theirs)
        finally:
            theirs.close()

    with rival(NODES) as theirs:
        return _run(figures(theirs)), "libtorrent"


async def dave_figures(nodes: Cluster, quorum: int) -> Figures:
    """Of one client whose edge is the first node."""
    async with connect(
        nodes.nodes[0].host_port, key=Key.generate(), network=nodes.network
    ) as client:
        return await measure(Dave(client, nodes, quorum))


class Dave:
    """A client of a cluster, as a System."""

    def __init__(self, client: Client, nodes: Cluster, quorum: int) -> None:
        self._client = client
        self._nodes = nodes
        self._quorum = quorum
        self._value = random.randbytes(VALUE_BYTES)
        self._open: list[Receipt] = []

    async def put(self, number: int) -> None:
        """Until the quorum; the rest is waited for in `settle`."""
        receipt = await self._client.put(b"key-%d" % number, self._value, ttl=TTL, listed=False)
        self._open.append(receipt)

    async def get(self, number: int) -> None:
        """A value that was put."""
        got = await self._client.get(b"key-%d" % number, quorum=self._quorum)
        assert got is not None, f"key-{number} is not there"

    async def settle(self) -> None:
        """Until all copies are made."""
        for receipt in self._open:
            await receipt.settled()
        self._open.clear()

    def cpu_seconds(self) -> float:
        """Of all nodes and of this process."""
        return time.process_time() + self._nodes.cpu_seconds()


def compare(label: str, ours: Figures, theirs: Figures, name: str) -> list[dict[str, Any]]:
    """A row for each figure, the rival's as its reference; the goal is to be ahead."""
    rows = []
    for field, case, unit, below in CASES:
        mine, reference = getattr(ours, field), getattr(theirs, field)
        goal = None if below is None else 1.0
        case = f"{case}, {label}, against {name}"
        rows.append(row("network", case, mine, unit, reference, goal=goal, below=bool(below)))
    return rows


def proofs_ms() -> float:
    """What the client computes for one put before anything is sent."""
    net = network(NETWORK)
    seed = random.randbytes(32)
    count = 200
    began = time.process_time()
    for number in range(count):
        at = hybrid_time(time.time_ns() // 1_000_000)
        value = random.randbytes(VALUE_BYTES)
        bare = Entry(encode(sign.public_key(seed), b"key-%d" % number, value, at, TTL))
        signed = bare.signed_bytes(net)
        prefix = hashes.ENTRY_STAMP_TAG + hashes.entry_digest(signed)
        nonce, _ = find_stamp(prefix, entry_work(len(bare.data), TTL))
        bare.with_proofs(sign.sign(seed, signed), nonce)
    return (time.process_time() - began) / count * 1e3


def _run(job: Coroutine[Any, Any, Any]) -> Any:
    """In the loop that a node uses, for both rivals."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(job)
