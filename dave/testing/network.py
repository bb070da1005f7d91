"""A network of nodes for the tests of an application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, TypeVar

from dave.crypto.network import network as network_of
from dave.crypto.sign import SEED_BYTES
from dave.edge.addresses import format_address
from dave.edge.blocking import SyncClient
from dave.edge.client import Client
from dave.edge.keyfile import Key
from dave.edge.receipt import Value, value_of
from dave.errors import UsageError
from dave.limits import HAND_OVER_SECONDS, SHARDS
from dave.names import MS, SECOND, Instant
from dave.testing.clock import Clock
from dave.testing.driver import VirtualDriver
from dave.testing.host import Host
from dave.testing.loop import VirtualLoop
from dave.testing.world import World
from dave.wire.entry import Entry

T = TypeVar("T")

SECRET = b"in the tests' network nobody asks for work"
BLOB_CAPACITY_BYTES = 1 << 30
MEET_SECONDS_MAX = 60
"""Until when all nodes must know of each other, or as many as they want to."""
JOIN_SECONDS_MAX = 5
CONTACTS_ENOUGH = 20
EDGES_MAX = 5
"""A client is told of so many nodes, unless it names one."""

_LOOK: Instant = 10 * MS


class VirtualNode:
    """A node of a `Network`: `net.nodes[0]`."""

    def __init__(self, world: World, host: Host) -> None:
        self.host = host
        self._world = world

    @property
    def address(self) -> str:
        """HOST:PORT, which only means something in its network."""
        return format_address(self.host.address)

    @property
    def is_up(self) -> bool:
        """Whether its process runs."""
        return self.host.is_up

    @property
    def entries(self) -> list[Value]:
        """What it holds of applications' entries, without what was deleted or has expired, and
        without the directories of names. Raises UsageError while it is down."""
        self.check_up()
        store, now_ms = self.host.node.store, self._world.clock.unix_ms
        held = [Entry(data) for n in range(SHARDS) for _, data in store.entries_in_shard(n)]
        return [
            value_of(entry, self._world.network, 1, 0.0)
            for entry in sorted(held, key=lambda entry: (entry.owner, entry.key))
            if not entry.is_tombstone and entry.key[0] and entry.expires_ms > now_ms
        ]

    def check_up(self) -> None:
        """Raises UsageError if it is down."""
        if not self.is_up:
            raise UsageError(f"{self!r}: start it first")

    def __repr__(self) -> str:
        return f"<VirtualNode {self.address}, {'up' if self.is_up else 'down'}>"


class Network:
    """Nodes, clients, links and a clock, all in this process; a run is a function of `seed`.

    nodes: how many to begin with; they know each other when this returns. network, secret: as
    `dave.connect` takes them. By default the network has a secret, so that nobody searches stamps.
    loop: to share virtual time with another network.

    Time passes only while somebody waits: in `run` and `advance`, in the blocking verbs, and in
    whatever a coroutine awaits. Python's `time` knows nothing of it: `now` tells the time here.
    """

    def __init__(
        self,
        nodes: int = 5,
        *,
        seed: int = 1,
        network: str = "test",
        secret: bytes = SECRET,
        loop: VirtualLoop | None = None,
    ) -> None:
        if nodes < 1:
            raise UsageError(f"a network has one node at least, not {nodes}")
        of = network_of(network, secret, node_work_bits=0)
        self._name, self._secret = network, secret
        self._owns_loop = loop is None
        self.loop = VirtualLoop(Clock()) if loop is None else loop
        """The event loop of this network's time."""
        self.world = World(seed, of, clock=self.loop.clock)
        """The simulation below, for what is not offered here; it may change between versions."""
        self.nodes: list[VirtualNode] = []
        self._folder = TemporaryDirectory(prefix="dave-testing-")
        """What clients note of uploads."""
        self._clients: dict[Client | SyncClient, VirtualDriver] = {}
        for _ in range(nodes):
            self._add()
        self._wait_until(self._have_met, MEET_SECONDS_MAX)

    # --- Clients ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def connect(
        self,
        edge: str | VirtualNode | None = None,
        *,
        key: Key | None = None,
        network: str | None = None,
        secret: bytes | None = None,
    ) -> AsyncIterator[Client]:
        """As `dave.connect`, of this network. edge: a node, or its address; by default several.
        network, secret: this network's, unless given.

        Raises UsageError for an edge that is no node, and in another event loop.
        """
        self.loop.check_runs()
        client, driver = self._client(edge, key, network, secret)
        self._clients[client] = driver
        try:
            try:
                yield client
            finally:
                await client.finish()
        finally:
            del self._clients[client]
            driver.close()

    def connect_sync(
        self,
        edge: str | VirtualNode | None = None,
        *,
        key: Key | None = None,
        network: str | None = None,
        secret: bytes | None = None,
    ) -> SyncClient:
        """As `dave.connect_sync`, of this network; else as `connect`. Not inside of coroutines."""
        inner, driver = self._client(edge, key, network, secret)
        client = SyncClient(inner, driver)
        self._clients[client] = driver
        return client

    def key(self) -> Key:
        """A new owner's key, as the seed gives it: with `dave.Key.generate` no run is repeated."""
        return Key.from_seed(self.world.rng.randbytes(SEED_BYTES))

    # --- Time ------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Unix seconds on the nodes' wall clocks: what `Value.expires` compares with."""
        return self.world.clock.unix_ms / 1000

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns, run in virtual time."""
        return self.loop.run(coroutine)

    def advance(self, seconds: float) -> None:
        """Let so much time pass, for nodes, clients and tasks. In a coroutine
        `await asyncio.sleep(seconds)` does so."""
        if not seconds >= 0:
            raise UsageError(f"time goes on only: not by {seconds!r} s")
        self.loop.run(asyncio.sleep(seconds))

    # --- Faults ----------------------------------------------------------------------------------

    def stop(self, node: VirtualNode) -> None:
        """End a node as Ctrl-C does: it hands over what it alone holds, and says goodbye."""
        node.check_up()
        core, clock = node.host.node, self.world.clock
        core.leave(clock.now)
        node.host.settle()
        self._wait_until(lambda: core.leave_done, HAND_OVER_SECONDS)
        core.say_bye(clock.now)
        node.host.settle()
        self.world.run_until(clock.now + _LOOK)
        self.world.kill(node.host)

    def crash(self, node: VirtualNode) -> None:
        """End a node as a power cut does: it keeps what was on its disk."""
        node.check_up()
        self.world.kill(node.host)

    def start(self, node: VirtualNode | None = None) -> VirtualNode:
        """Start a node again, with what its disk kept; or a new one, which joins the others. Waits
        until another knows it, for five seconds at most."""
        others = [other.host for other in self.nodes if other.is_up]
        if node is None:
            node = self._add()
        elif node.is_up:
            raise UsageError(f"{node!r}: stop it or have it crash first")
        else:
            self.world.restart(node.host)
        number = node.host.node.id
        if others:
            self._wait_until(
                lambda: any(host.node.table.get(number) for host in others), JOIN_SECONDS_MAX
            )
        return node

    def partition(self, *groups: Iterable[VirtualNode | Client | SyncClient]) -> None:
        """Cut nodes and clients apart: each group reaches only its own. Who is in none, and who
        comes later, is with the first group; a single group is cut off from all others. Another
        partition replaces this one.

        Raises UsageError for who is not of this network.
        """
        sides = [[self._host(member).name for member in group] for group in groups]
        self.world.links.partition(*(sides[1:] if len(sides) > 1 else sides))

    def heal(self) -> None:
        """End the partition."""
        self.world.links.heal()

    @property
    def loss(self) -> float:
        """The share of datagrams that are lost, 0 to 1; may be set."""
        return self.world.links.default.loss

    @loss.setter
    def loss(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise UsageError(f"loss is a share from 0 to 1, not {share!r}")
        links = self.world.links
        links.default = links.default._replace(loss=share)

    @property
    def latency(self) -> float:
        """Seconds that a datagram takes, one way, and up to a millisecond more; may be set."""
        return self.world.links.default.delay_ms / 1000

    @latency.setter
    def latency(self, seconds: float) -> None:
        if not seconds >= 0:
            raise UsageError(f"latency is a number of seconds, not {seconds!r}")
        links = self.world.links
        links.default = links.default._replace(delay_ms=seconds * 1000)

    # --- The end ---------------------------------------------------------------------------------

    def trace_hash(self) -> str:
        """The name of this run so far: equal hashes mean that the very same datagrams arrived."""
        return self.world.trace_hash()

    def close(self) -> None:
        """End what runs. Clients that are open write no directory any more."""
        for driver in self._clients.values():
            driver.close()
        self._clients.clear()
        self._folder.cleanup()
        if self._owns_loop:
            self.loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _add(self) -> VirtualNode:
        up = [node.host for node in self.nodes if node.is_up]
        host = self.world.add_node(up[:1], blob_capacity=BLOB_CAPACITY_BYTES)
        node = VirtualNode(self.world, host)
        self.nodes.append(node)
        return node

    def _client(
        self,
        edge: str | VirtualNode | None,
        key: Key | None,
        name: str | None,
        secret: bytes | None,
    ) -> tuple[Client, VirtualDriver]:
        of = network_of(
            self._name if name is None else name,
            self._secret if secret is None else secret,
            node_work_bits=0,
        )
        host = self.world.add_client(self._edges(edge), network_=of)
        driver = VirtualDriver(host, self.loop, self.world.rng)
        client = Client(driver, key)
        client.uploads = Path(self._folder.name)
        return client, driver

    def _edges(self, edge: str | VirtualNode | None) -> list[Host]:
        if edge is None:
            return [node.host for node in self.nodes if node.is_up][:EDGES_MAX]
        if isinstance(edge, VirtualNode):
            return [self._host(edge)]
        for node in self.nodes:
            if node.address == edge:
                return [node.host]
        there = ", ".join(node.address for node in self.nodes)
        raise UsageError(f"no node of this network has the address {edge!r}: there are {there}")

    def _host(self, member: VirtualNode | Client | SyncClient) -> Host:
        if isinstance(member, VirtualNode) and member in self.nodes:
            return member.host
        if isinstance(member, Client | SyncClient) and member in self._clients:
            return self._clients[member].host
        raise UsageError(f"{member!r} is no node and no open client of this network")

    def _have_met(self) -> bool:
        wanted = min(len(self.nodes) - 1, CONTACTS_ENOUGH)
        return all(len(node.host.node.table) >= wanted for node in self.nodes)

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        clock = self.world.clock
        until = clock.now + int(seconds * SECOND)
        while not condition() and clock.now < until:
            self.world.run_until(clock.now + _LOOK)
