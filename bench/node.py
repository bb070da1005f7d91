"""One node over loopback: puts and gets a second, CPU each, behaviour under twice the load, and
latency on a warm session.

The generator seals beforehand (bench/_loader.py). CPU is that of all the node's threads and
processes, per put accepted or get answered. A libsodium verify is measured in the same run.
"""

import random
import time
from statistics import median
from typing import Any

from bench._loader import Loader
from bench._process import NodeProcess, node_process
from bench._rows import row
from dave.crypto import hashes, sign
from dave.crypto.network import Network, network
from dave.crypto.work import entry_work
from dave.edge.connect import connect_sync
from dave.edge.control import ask
from dave.edge.keyfile import Key
from dave.edge.search import find_stamp
from dave.names import hybrid_time
from dave.wire.entry import Entry, encode
from dave.wire.messages import Get, Put

VALUE_BYTES = 1000
PUTS = 120_000
GETS = 300_000
LATENCIES = 3_000
NETWORK = "bench"
TTL = 900


def run() -> list[dict[str, Any]]:
    """All cases."""
    rows: list[dict[str, Any]] = []
    net = network(NETWORK)
    entries = make_entries(net, PUTS)
    verify_us = verify_cost_us(entries, net)
    for sync in ("always", "never"):
        with node_process(NETWORK, "--sync", sync) as node:
            rows += puts(node, net, entries, verify_us, sync)
    with node_process(NETWORK, "--sync", "never") as node:
        rows += gets(node, net, entries[:2000])
    with node_process(NETWORK) as node:
        rows += latencies(node)
    return rows


def make_entries(net: Network, count: int) -> list[Entry]:
    """Signed and stamped entries of 1,000 bytes, each under its own key and owner of many."""
    seeds = [random.randbytes(32) for _ in range(50)]
    now = hybrid_time(time.time_ns() // 1_000_000)
    made = []
    for i in range(count):
        seed = seeds[i % len(seeds)]
        bare = Entry(
            encode(sign.public_key(seed), b"key-%d" % i, random.randbytes(VALUE_BYTES), now, TTL)
        )
        signed = bare.signed_bytes(net)
        prefix = hashes.ENTRY_STAMP_TAG + hashes.entry_digest(signed)
        nonce, _ = find_stamp(prefix, entry_work(len(bare.data), TTL))
        made.append(bare.with_proofs(sign.sign(seed, signed), nonce))
    return made


def verify_cost_us(entries: list[Entry], net: Network) -> float:
    """Median over slices of the CPU cost of one verify, alone in this process."""
    slices = []
    for start in range(0, 2000, 100):
        items = [(e.owner, e.signature + e.signed_bytes(net)) for e in entries[start : start + 100]]
        began = time.process_time()
        assert all(sign.verify(owner, signed) for owner, signed in items)
        slices.append((time.process_time() - began) / len(items) * 1e6)
    return median(slices)


def puts(
    node: NodeProcess, net: Network, entries: list[Entry], verify_us: float, sync: str
) -> list[dict[str, Any]]:
    """Peak rate in a closed loop, then half, all and twice of it in an open one."""
    loader = Loader(node.address, net)
    quarter = len(entries) // 4
    warm, rest = entries[:2000], entries[2000:]
    loader.closed_loop(loader.seal([Put(entry) for entry in warm]), 256)
    batch, rest = rest[:quarter], rest[quarter:]
    sealed = loader.seal([Put(entry) for entry in batch])
    before = node.cpu_seconds()
    seconds, replies = loader.closed_loop(sealed, 512)
    cpu = node.cpu_seconds() - before
    counts, stored = loader.statuses(replies)
    peak = len(stored) / seconds
    cpu_us = cpu / max(1, len(stored)) * 1e6
    case = f"put, --sync {sync}"
    rows = [
        row("node", f"{case}: accepted at peak", peak, "puts/s"),
        row("node", f"{case}: node CPU each", cpu_us, "us", verify_us, goal=1.6, below=True),
    ]
    acknowledged = [batch[i] for i in stored]
    for factor in (0.5, 1.0, 2.0):
        count = min(len(rest), int(quarter * factor / 1.5))
        batch, rest = rest[:count], rest[count:]
        sealed = loader.seal([Put(entry) for entry in batch])
        seconds, replies = loader.open_loop(sealed, peak * factor)
        counts, stored = loader.statuses(replies)
        acknowledged += [batch[i] for i in stored]
        told = ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))
        drops = ask(node.data / "control.sock", "status")["kernel_drops"]
        label = f"{case}: offered {factor:g}x ({told}; {drops} kernel drops so far)"
        goal = 0.8 if factor == 2.0 else None
        rows.append(row("node", label, len(stored) / seconds, "puts/s", peak, goal=goal))
    lost = missing(node, net, acknowledged)
    label = f"{case}: acknowledged, then not there"
    rows.append(row("node", label, float(lost), "entries", goal=0, below=True))
    loader.close()
    return rows


def missing(node: NodeProcess, net: Network, entries: list[Entry]) -> int:
    """How many of the entries a get does not find."""
    loader = Loader(node.address, net)
    sealed = loader.seal([Get(entry.id) for entry in entries])
    _, replies = loader.closed_loop(sealed, 64)
    found = sum(len(reply) > VALUE_BYTES for reply in replies)
    loader.close()
    return len(entries) - found


def gets(node: NodeProcess, net: Network, entries: list[Entry]) -> list[dict[str, Any]]:
    """64 sealed gets in flight."""
    loader = Loader(node.address, net)
    loader.closed_loop(loader.seal([Put(entry) for entry in entries]), 256)
    ids = [entry.id for entry in entries]
    rates, costs = [], []
    for _ in range(5):
        sealed = loader.seal([Get(ids[i % len(ids)]) for i in range(GETS // 5)])
        before = node.cpu_seconds()
        seconds, replies = loader.closed_loop(sealed, 64)
        costs.append((node.cpu_seconds() - before) / len(replies) * 1e6)
        rates.append(len(replies) / seconds)
    loader.close()
    return [
        row("node", "get, 64 in flight: node CPU each", median(costs), "us", goal=8, below=True),
        row("node", "get, 64 in flight: answered", median(rates), "gets/s", goal=110_000),
    ]


def latencies(node: NodeProcess) -> list[dict[str, Any]]:
    """A blocking client on a warm session."""
    host, port = node.address
    rows = []
    with connect_sync(f"{host}:{port}", key=Key.generate(), network=NETWORK) as client:
        value = random.randbytes(VALUE_BYTES)
        timed: dict[str, list[float]] = {"put": [], "get": []}
        for i in range(LATENCIES + 100):
            key = f"key-{i % 100}"
            if i < LATENCIES // 10:
                began = time.perf_counter()
                client.put(key, value, ttl=TTL, listed=False)
                timed["put"].append(time.perf_counter() - began)
            began = time.perf_counter()
            assert client.get(key) is not None
            timed["get"].append(time.perf_counter() - began)
    for verb, goals in (("put", (None, None)), ("get", (0.3, 1.5))):
        times = sorted(timed[verb])
        for name, at, goal in (("p50", 0.5, goals[0]), ("p99", 0.99, goals[1])):
            value_ms = times[int(len(times) * at)] * 1e3
            rows.append(row("node", f"{verb} on a warm session: {name}", value_ms, "ms",
                            goal=goal, below=True))  # fmt: skip
    return rows
