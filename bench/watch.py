"""A thousand watchers of one key: how long until all know a new version, and whether all see the
newest of a burst, with what they missed told.

The nodes are eight `dave run`; the watchers are as many clients in this process, each with sockets,
a session key and leases of its own, so that this process does most of the work: it checks a
signature for each watcher. A time begins with the call of `put`, so that it includes the stamp.
"""

import asyncio
import resource
import time
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from bench._cluster import Cluster, cluster
from bench._rows import row
from dave.crypto import hashes
from dave.crypto.network import network
from dave.crypto.work import entry_work
from dave.edge.aio import Runner
from dave.edge.client import Client
from dave.edge.connect import client_core, connect
from dave.edge.keyfile import Key
from dave.edge.search import find_stamp
from dave.edge.watch import Change, Watch
from dave.names import SECOND, hybrid_time
from dave.node.limits import WATCH_REPLICAS
from dave.wire.entry import Entry, encode

NODES = 8
WATCHERS = 1000
START_AT_ONCE = 20
ROUNDS = 5
BURST = 50
NETWORK = "bench"
PATIENCE_SECONDS = 120.0


class Watcher:
    """What one client has seen."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.value = b""
        self.at = 0.0
        self.versions = 0
        """Told, and counted as skipped."""
        self.told = 0

    async def run(self) -> None:
        """Note each change, for ever."""
        async for change in self.watch:
            self.see(change)

    def see(self, change: Change) -> None:
        """Note one."""
        self.at = time.perf_counter()
        self.value = b"" if change.entry is None else change.entry.value
        self.versions += 1 + change.skipped
        self.told += 1


def run() -> list[dict[str, Any]]:
    """All cases."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with (
            cluster(NETWORK, NODES, "--sync", "never") as nodes,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(_cases(nodes))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _cases(nodes: Cluster) -> list[dict[str, Any]]:
    key = Key.generate()
    async with AsyncExitStack() as stack:
        edge = nodes.nodes[0].host_port
        writer = await stack.enter_async_context(connect(edge, key=key, network=NETWORK))
        await writer.put("key", b"warm", ttl=3600)
        watchers = await _start(stack, nodes, key)
        leases = sum(watcher.watch.leases for watcher in watchers) / len(watchers)
        rows = [row("watch", "leases of each watcher", leases, "leases", goal=WATCH_REPLICAS - 0.5)]
        rows += await _single(writer, watchers, nodes)
        rows += await _burst(key, edge, watchers)
        return rows


async def _start(stack: AsyncExitStack, nodes: Cluster, key: Key) -> list[Watcher]:
    """The watchers, a few at a time, each through one node; until they hold their leases."""
    watchers: list[Watcher] = []
    tasks: list[asyncio.Task[None]] = []
    gate = asyncio.Semaphore(START_AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            edge = nodes.nodes[number % NODES].host_port
            client = await stack.enter_async_context(connect(edge, key=key, network=NETWORK))
            watcher = Watcher(client.watch("key", timeout=60))
            await watcher.watch.started()
            watchers.append(watcher)
            tasks.append(asyncio.create_task(watcher.run()))

    await asyncio.gather(*map(one, range(WATCHERS)))
    stack.callback(lambda: [task.cancel() for task in tasks])
    await _until(lambda: all(w.watch.leases == WATCH_REPLICAS for w in watchers))
    return watchers


async def _single(writer: Client, watchers: list[Watcher], nodes: Cluster) -> list[dict[str, Any]]:
    """Single versions: the time from calling `put` until each knows it."""
    took: list[float] = []
    worst, seen = 0.0, 0
    used = nodes.cpu_seconds()
    for number in range(ROUNDS):
        value = b"single %d" % number
        began = time.perf_counter()
        await writer.put("key", value, ttl=3600)
        await _until(lambda value=value: all(w.value == value for w in watchers), 30)
        each = [watcher.at - began for watcher in watchers if watcher.value == value]
        took += each
        seen += len(each)
        worst = max(worst, *each)
        await asyncio.sleep(0.5)
    used = nodes.cpu_seconds() - used
    took.sort()
    all_of_them = ROUNDS * len(watchers)
    name = f"{len(watchers):,} watchers"
    return [
        row("watch", f"{name} told, of {all_of_them:,}", seen, "", goal=all_of_them),
        row("watch", f"{name}: told at p50", took[len(took) // 2] * 1e3, "ms"),
        row("watch", f"{name}: the last of them", worst * 1e3, "ms", goal=1000, below=True),
        row("watch", "CPU of all nodes for one version", used / ROUNDS * 1e3, "ms"),
    ]


async def _burst(key: Key, edge: str, watchers: list[Watcher]) -> list[dict[str, Any]]:
    """Many versions, none waited for: all see the newest, and how many they did not see."""
    storm = Runner(*client_core(edge, network(NETWORK)))
    entries = [_entry(key, b"burst %d" % number, number) for number in range(BURST)]
    warm = storm.now()
    await storm.wait(_flushed(storm, storm.core.get(entries[0].id, warm, warm + 5 * SECOND)))
    before = [(watcher.versions, watcher.told) for watcher in watchers]
    began = time.perf_counter()
    for entry in entries:
        now = storm.now()
        last = _flushed(storm, storm.core.put(entry, now, now + 30 * SECOND))
    await storm.wait(last)
    ended = time.perf_counter()
    storm.close()
    newest = b"burst %d" % (BURST - 1)
    await _until(lambda: all(watcher.value == newest for watcher in watchers), 60)
    seen = sum(watcher.value == newest for watcher in watchers)
    versions = sum(w.versions - had for w, (had, _) in zip(watchers, before, strict=True))
    told = sum(w.told - had for w, (_, had) in zip(watchers, before, strict=True))
    behind = max(0.0, max(watcher.at for watcher in watchers) - ended)
    name = f"burst of {BURST} versions in {ended - began:.2f} s"
    return [
        row("watch", f"{name}: see the newest", seen, "", goal=len(watchers)),
        row("watch", f"{name}: the last, after its put", behind * 1e3, "ms", goal=1000, below=True),
        row("watch", f"{name}: told, of each", told / len(watchers), "versions"),
        row("watch", f"{name}: told or counted, of each", versions / len(watchers), "versions"),
    ]


def _entry(key: Key, value: bytes, count: int) -> Entry:
    """A version signed now; `count` orders those of one millisecond."""
    at = hybrid_time(time.time_ns() // 1_000_000, count)
    bare = Entry(encode(key.owner, b"key", value, at, 3600))
    signed = bare.signed_bytes(network(NETWORK))
    prefix = hashes.ENTRY_STAMP_TAG + hashes.entry_digest(signed)
    nonce, _ = find_stamp(prefix, entry_work(len(bare.data), 3600))
    return bare.with_proofs(key.sign(signed), nonce)


def _flushed(runner: Runner, operation: int) -> int:
    """An operation, once what it sends is sent."""
    runner.flush()
    return operation


async def _until(condition: Any, seconds: float = PATIENCE_SECONDS) -> None:
    """Until it is true, or the time is over."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        if condition():
            return
        await asyncio.sleep(0.01)
