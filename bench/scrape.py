"""What a scrape of /metrics costs the event loop: a node in this process with 100,000 entries and
200 peers, and the CPU time that the handler takes of it: the loop stands still as long."""

import asyncio
import os
import random
import tempfile
import time
from statistics import median
from typing import Any

from prometheus_client.exposition import choose_encoder

import dave
from bench._rows import row
from dave.crypto.identity import node_identity
from dave.edge.http.metrics import registry_of
from dave.edge.metrics import View
from dave.names import SECOND, hybrid_time
from dave.peers.contact import Contact
from dave.wire.entry import encode

ENTRIES = 100_000
PEERS = 200
SCRAPES = 50
VALUE = bytes(100)


def run() -> list[dict[str, Any]]:
    """All cases."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        return asyncio.run(_run(folder))


async def _run(folder: str) -> list[dict[str, Any]]:
    config = dave.Config(listen="127.0.0.1:0", data=folder, capacity=1 << 30)
    async with dave.Node(config) as node:
        fill(node)
        rows = []
        for name, accept in (("text", ""), ("OpenMetrics", "application/openmetrics-text")):
            encode_all, _ = choose_encoder(accept)
            registry = registry_of(lambda: View(node, (node.core,), time.monotonic_ns()))
            took = []
            for _ in range(SCRAPES):
                began = time.thread_time()
                size = len(encode_all(registry))
                took.append(1000 * (time.thread_time() - began))
                await asyncio.sleep(0)
            case = f"{name}, {len(node.core.store):,} entries, {len(node.core.table)} peers"
            rows += [
                row("scrape", f"{case}: median", median(took), "ms", goal=50.0, below=True),
                row("scrape", f"{case}: worst of {SCRAPES}", max(took), "ms", goal=50.0,
                    below=True),
                row("scrape", f"{name}: answer", size / 1000, "kB"),
            ]  # fmt: skip
        return rows


def fill(node: dave.Node) -> None:
    """Give the core what a busy node has."""
    core, now = node.core, time.monotonic_ns()
    stamp = hybrid_time(core.unix_ms(now))
    owner = os.urandom(32)
    for i in range(ENTRIES):
        core.store.load(encode(owner, b"%d" % i, VALUE, stamp, 3600), i + 1, core.unix_ms(now))
    while len(core.table) < PEERS:
        identity = node_identity(os.urandom(32), bytes(8))
        assert identity.id is not None
        address = "127.0.0.1", random.randrange(1024, 65536)
        core.table.add(Contact(identity.public_key, bytes(8), address, identity.id), now)
        for _ in range(20):
            core.trust.kept(identity.id, now - SECOND)
