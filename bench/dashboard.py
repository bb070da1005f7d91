"""What the dashboard costs its node: 200 peers, 100,000 entries, and the page open in Chromium.

The peers are real cores in one process (bench/_light_nodes.py), which say that they hold whatever
they are told of: one process could not replicate for 200 nodes. The node is measured twice in the
same run, once it has told its peers what it holds: alone, and while a browser shows its page.
DAVE_DASHBOARD says for how many seconds each; DAVE_DASHBOARD_PNG where to put a picture of it.
"""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench._light_nodes import company
from bench._loader import Loader
from bench._process import NodeProcess
from bench._rows import row
from dave.crypto.network import network
from dave.edge.keyfile import save_network_secret
from dave.names import hybrid_time
from dave.testing.owner import Owner
from dave.wire.messages import Put

PEERS = 200
ENTRIES = 100_000
VALUE_BYTES = 200
TTL_SECONDS = 86_400
SLICE = 5_000
IN_FLIGHT = 64
NETWORK, SECRET = "bench-dashboard", b"a secret of the bench"
SECONDS = float(os.environ.get("DAVE_DASHBOARD", "60"))
CALM_CPU = 0.02
"""Below this part of a core the node has told its peers what it holds ..."""
CALM_SECONDS = 150.0
"""... over so long: the walk of its store begins a minute after the last of them came."""
PATIENCE_SECONDS = 900.0


def run(peers: int = PEERS, entries: int = ENTRIES) -> list[dict[str, Any]]:
    """The CPU time of the node with and without the page."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as name:
        folder = Path(name)
        secret = folder / "secret"
        save_network_secret(secret, SECRET)
        (folder / "node").mkdir()
        options = ("--secret-file", str(secret), "--http", "127.0.0.1:0")
        node = NodeProcess(folder / "node", NETWORK, *options)
        try:
            assert node.process.stdout is not None
            url = node.process.stdout.readline().split()[-1]
            with company(node, NETWORK, SECRET, peers, "--claimants"):
                wait_for_peers(node, peers)
                fill(node, entries)
                wait_until_calm(node)
                return measure(node, url)
        finally:
            node.stop(kill=True)  # or it would hand over what it has


def measure(node: NodeProcess, url: str) -> list[dict[str, Any]]:
    """With the page closed, then open."""
    closed = busy(node, SECONDS)
    with page_open(url):
        opened = busy(node, SECONDS)
    status = node.status()
    about = f"{status['peers']} peers, {status['entries']:,} entries"
    return [
        row("dashboard", f"{about}: node, page open", 100 * opened, "% of a core", goal=2.0,
            below=True),
        row("dashboard", f"{about}: node, page closed", 100 * closed, "% of a core"),
    ]  # fmt: skip


def busy(node: NodeProcess, seconds: float) -> float:
    """What part of a core the node takes."""
    before = node.cpu_seconds()
    time.sleep(seconds)
    return (node.cpu_seconds() - before) / seconds


def wait_for_peers(node: NodeProcess, peers: int) -> None:
    """Until it knows nearly all: some are probed last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while node.status()["peers"] < 0.9 * peers:
        assert time.monotonic() < deadline, "the node does not come to know so many"
        time.sleep(1)


def fill(node: NodeProcess, entries: int) -> None:
    """Put entries, as a client does that reaches the replicas itself."""
    rng = random.Random(1)
    net = network(NETWORK, SECRET)
    owner, loader = Owner(rng, net), Loader(node.address, net)
    now = hybrid_time(time.time_ns() // 1_000_000)
    for first in range(0, entries, SLICE):
        made = [owner.entry(b"%d" % n, rng.randbytes(VALUE_BYTES), now, TTL_SECONDS)
                for n in range(first, first + SLICE)]  # fmt: skip
        loader.closed_loop(loader.seal([Put(entry, None, True) for entry in made]), IN_FLIGHT)
    loader.close()


def wait_until_calm(node: NodeProcess) -> None:
    """Until it has nothing more to tell its peers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while busy(node, CALM_SECONDS) > CALM_CPU:
        assert time.monotonic() < deadline, "the node does not calm down"


@contextmanager
def page_open(url: str) -> Iterator[None]:
    """The dashboard in a browser."""
    program = shutil.which("chromium")
    assert program is not None, "the dashboard is shown in Debian's chromium: install it"
    picture = os.environ.get("DAVE_DASHBOARD_PNG")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            page = browser.new_page(viewport={"width": 1360, "height": 900})
            page.goto(url)
            page.wait_for_selector("#peers tbody tr")
            yield
            if picture is not None:
                page.screenshot(path=picture, full_page=True)
        finally:
            browser.close()
