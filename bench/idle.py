"""What a node costs that has nothing to do: a `dave run` that knows 100 others, left alone.

The others are real cores on the loopback, in one process (bench/_light_nodes.py), at such distances
that the node keeps them all. Bytes are UDP payload, both ways. DAVE_IDLE says how many seconds it
is measured, after as many in which it settles.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench._light_nodes import company
from bench._process import NodeProcess, cpu_seconds, node_process
from bench._rows import row
from bench._rss import rss_bytes
from dave.edge.keyfile import save_network_secret

NODES = 105
PEERS = 100
SECONDS = float(os.environ.get("DAVE_IDLE", "180"))
PATIENCE_SECONDS = 300.0
NETWORK = "bench-idle"
SECRET = b"a secret of the bench"
REFERENCE = "import asyncio\nasyncio.run(asyncio.Event().wait())"


def run() -> list[dict[str, Any]]:
    """All cases."""
    rows: list[dict[str, Any]] = []
    with process([sys.executable, "-c", REFERENCE]) as reference, secret_file() as secret:
        for name, options in (("node", ()), ("node, --http", ("--http", "127.0.0.1:0"))):
            with (
                node_process(NETWORK, "--secret-file", secret, *options) as node,
                company(node, NETWORK, SECRET, NODES),
            ):
                rows += measure(node, reference.pid, name)
    return rows


def measure(node: NodeProcess, reference_pid: int, name: str) -> list[dict[str, Any]]:
    """The node once it has settled."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while node.status()["peers"] < PEERS:
        assert time.monotonic() < deadline, "it did not come to know so many"
        time.sleep(1)
    time.sleep(SECONDS)
    pids = node.process.pid, reference_pid
    before, cpu = node.status(), [cpu_seconds(pid) for pid in pids]
    time.sleep(SECONDS)
    cpu = [cpu_seconds(pid) - was for pid, was in zip(pids, cpu, strict=True)]
    after = node.status()
    mine, its = (rss_bytes(pid) / 1e6 for pid in pids)
    total = sum(after[key] - before[key] for key in ("received_bytes", "sent_bytes"))
    mine_cpu, its_cpu = (100 * each / SECONDS for each in cpu)
    name = f"{name}, {after['peers']} peers"
    return [
        row("idle", f"{name}: CPU", mine_cpu, "% of a core", goal=1.0, below=True),
        row("idle", f"{name}: resident", mine, "MB", goal=60.0, below=True),
        row("idle", f"{name}: traffic", total / SECONDS / 1000, "kB/s", goal=0.2, below=True),
        row("idle", "an idle asyncio process: CPU", its_cpu, "% of a core"),
        row("idle", "an idle asyncio process: resident", its, "MB"),
    ]


@contextmanager
def secret_file() -> Iterator[str]:
    """The network's secret, as `dave run` takes it."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        path = Path(folder) / "secret"
        save_network_secret(path, SECRET)
        yield str(path)


@contextmanager
def process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command, and ends it."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.terminate()
            started.wait(30)
