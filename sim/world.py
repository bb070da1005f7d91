"""A whole network in one process: hosts with real cores, joined by links, under virtual time.

A run is a function of its seed. `trace_hash` is BLAKE3 over every datagram delivered (time, from,
to, bytes) and every operation that ended, in order: equal hashes mean equal runs.
"""

from collections.abc import Callable
from random import Random
from struct import Struct
from typing import Any, ClassVar

from blake3 import blake3

from dave.crypto.identity import Identity, client_identity, node_identity
from dave.crypto.network import Network, network
from dave.effects import Resolve
from dave.names import MS, SECOND, Address, HybridTime, Instant, UnixMs, hybrid_time
from dave.node.check import CheckResult
from dave.node.client import Client
from dave.node.node import Node
from dave.node.requests import Peer
from dave.node.results import GetResult, PutResult
from dave.store.shares import ShareIndex
from dave.store.store import HALF_LIFE_MS_DEFAULT, Store
from sim.bulk import Pipes
from sim.clock import Clock
from sim.disk import Disk
from sim.host import Ended, Host, Operation, tag
from sim.lean import LeanClient, LeanNode
from sim.nat import Nat
from sim.network import Latency, Link, Links
from sim.owner import Owner
from sim.shares import ShareDisk

PORT = 1424
CAPACITY_BYTES = 16 << 20
JOINS_PER_SECOND = 20.0
PRIVATE_PREFIX = 10
PUBLIC_PREFIX = 20
"""First byte of the hosts' addresses."""

NodeMaker = Callable[..., Node]
"""Called with what Node takes; adversaries.py has some that are not honest."""

_pack_note = Struct("<QI").pack


class World:
    """Nodes, clients, links and a clock. Give `link` for other links than the default ones, and
    `latency` for hosts that are some way apart.

    Hosts stand in one subnet each; with `is_public` their addresses are no private ones, so that
    nobody is exempt from the limits per subnet.
    """

    observer: ClassVar[Callable[["World"], None] | None] = None
    """Called with every world that is made: how the command line shows progress."""

    def __init__(
        self,
        seed: int,
        network_: Network | None = None,
        link: Link | None = None,
        *,
        latency: Latency | None = None,
        is_public: bool = False,
    ) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.network = network_ or network("sim", node_work_bits=0)
        self.clock = Clock()
        self.links = Links(Random(self.rng.getrandbits(64)), link, latency)
        self.hosts: dict[Address, Host] = {}
        self.pipes = Pipes(self.clock, self.links, self.hosts, self._note)
        self.nodes: list[Host] = []
        self.ring_nodes = 0
        """Nodes beside those: ids without a process, which only lookups see."""
        self.delivered = 0
        self.delivered_bytes = 0
        self.series: dict[str, list[tuple[float, float]]] = {}
        """What a scenario measured over time or size: points (x, y) by name, for the plots."""
        self._addresses = 0
        self._prefix = PUBLIC_PREFIX if is_public else PRIVATE_PREFIX
        self._trace = blake3()
        if World.observer is not None:
            World.observer(self)

    @property
    def now(self) -> Instant:
        """The present."""
        return self.clock.now

    def time(self, count: int = 0) -> HybridTime:
        """The time that an owner with a true clock signs now."""
        return hybrid_time(self.clock.unix_ms, count)

    def owner(self) -> Owner:
        """A new owner of entries."""
        return Owner(self.rng, self.network)

    def record(self, name: str, x: float, y: float) -> None:
        """Add a point to a series."""
        self.series.setdefault(name, []).append((x, y))

    def new_identity(self) -> Identity:
        """The identity of a node, at a random place."""
        return node_identity(self.rng.randbytes(32), bytes(8))

    def add_node(
        self,
        edges: list[Host] | None = None,
        *,
        capacity: int = CAPACITY_BYTES,
        commit_ms: float = 2.0,
        skew_ms: int = 0,
        address: Address | None = None,
        identity: Identity | None = None,
        is_natted: bool = False,
        keeps_house: bool = True,
        blob_capacity: int = 0,
        make: NodeMaker = LeanNode,
    ) -> Host:
        """A node that joins through `edges`, by default through the first node. `keeps_house`: it
        joins, probes and expires, and does not just answer. `blob_capacity`: bytes that it gives to
        shares of files. `make`: the class that it is of."""
        identity = identity or self.new_identity()
        peers = _peers(self.nodes[:1] if edges is None else edges)
        seed = self.rng.getrandbits(64)
        disk = Disk(Random(self.rng.getrandbits(64)), commit_ms)
        shares = ShareDisk(self.clock, blob_capacity, commit_ms) if blob_capacity else None

        def make_core(host: Host) -> Client:
            records = disk.open()
            rng = Random(seed + disk.start_count)
            assert identity.id is not None
            store = Store(identity.id, self.network, capacity, rng.getrandbits(64))
            host.unreadable_records = store.load_records(records, self._unix_ms(host))
            start = disk.start_count
            node = make(
                identity,
                self.network,
                rng,
                store,
                peers,
                start_count=start,
                journal_id=disk.journal_id,
            )
            if shares is not None:
                index = ShareIndex(node.id, shares.capacity, self.network, HALF_LIFE_MS_DEFAULT)
                shares.load(index)
                node.serve_shares(index)
            return node

        host = self._add(make_core, address, disk, skew_ms, is_natted, keeps_house, shares)
        self.nodes.append(host)
        return host

    def add_nodes(
        self, count: int, *, per_second: float = JOINS_PER_SECOND, **options: Any
    ) -> list[Host]:
        """Nodes that come one after another, each through a node drawn from those that are up;
        `options` are those of `add_node`."""
        added = []
        for _ in range(count):
            edges = [self.any_node(self.rng)] if self.nodes else []
            added.append(self.add_node(edges, **options))
            self.run(1 / per_second)
        return added

    def any_node(self, rng: Random) -> Host:
        """One of the nodes that are up and can be reached, drawn from `rng`."""
        while True:
            host = self.nodes[rng.randrange(len(self.nodes))]
            if host.is_up and host.nat is None:
                return host

    def add_client(
        self,
        edges: list[Host] | None = None,
        *,
        skew_ms: int = 0,
        is_natted: bool = False,
        address: Address | None = None,
    ) -> Host:
        """A client that knows `edges`, by default the first node."""
        peers = _peers(self.nodes[:1] if edges is None else edges)
        seed = self.rng.getrandbits(64)

        def make_core(host: Host) -> Client:
            rng = Random(seed)
            return LeanClient(client_identity(rng.randbytes(32)), self.network, rng, peers)

        return self._add(make_core, address, None, skew_ms, is_natted)

    def kill(self, host: Host) -> None:
        """End a host's process without a word."""
        host.kill()

    def restart(self, host: Host) -> None:
        """Start it again, with what its disk kept."""
        host.start()

    def retire(self, host: Host) -> None:
        """End a host for ever: its machine is gone, and its disk with it."""
        if host.is_up:
            host.kill()
        del self.hosts[host.address]
        if host in self.nodes:
            self.nodes.remove(host)

    def run_until(self, when: Instant) -> None:
        """Let the world go on up to that instant."""
        while self.clock.step(when):
            pass

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        self.run_until(self.now + int(seconds * SECOND))

    def run_until_resolved(self, *operations: Operation, seconds: float = 60.0) -> list[Any]:
        """Go on until these have ended; their results. Raises AssertionError if that takes longer
        than `seconds`: an operation must never be forgotten."""
        until = self.now + int(seconds * SECOND)
        for operation in operations:
            while operation.number not in operation.host.ended:
                assert self.clock.step(until), f"operation {operation.number} has not ended"
        return [self.ended(operation).result for operation in operations]

    def ended(self, operation: Operation) -> Ended:
        """How an operation ended, and when."""
        return operation.host.ended[operation.number]

    def settled(self, put: Operation) -> Operation:
        """The operation that ends when all nodes asked by a put have answered."""
        return put._replace(number=put.number + 1)

    def trace_hash(self) -> str:
        """The name of this run so far, in hexadecimal."""
        return self._trace.hexdigest()

    def note(self, text: bytes) -> None:
        """Make `text` a part of the run, so that the trace hash covers it."""
        self._note(b"", b"", text)

    def send(self, data: bytes, source: Address, to: Address) -> None:
        """Put a datagram on the wire, whoever it claims to be from."""
        for delay in self.links.delays(source[0], to[0]):
            self.clock.schedule(self.clock.now + delay, self._deliver, data, source, to)

    def _add(
        self,
        make_core: Callable[[Host], Client],
        address: Address | None,
        disk: Disk | None,
        skew_ms: int,
        is_natted: bool,
        keeps_house: bool = True,
        shares: ShareDisk | None = None,
    ) -> Host:
        if address is None:
            number = self._addresses = self._addresses + 1
            address = f"{self._prefix + (number >> 16)}.{number >> 8 & 255}.{number & 255}.1", PORT
        assert address not in self.hosts
        host = Host(
            address,
            self.clock,
            make_core,
            self._send_all,
            self._resolved,
            disk,
            skew_ms,
            self.pipes,
            nat=Nat() if is_natted else None,
            keeps_house=keeps_house,
            shares=shares,
        )
        self.hosts[address] = host
        return host

    def _unix_ms(self, host: Host) -> UnixMs:
        return self.clock.unix_ms + host.skew_ms

    def _send_all(self, host: Host) -> None:
        for data, to in host.core.datagrams_to_send():
            host.sent += 1
            host.sent_bytes += len(data)
            if host.nat is not None:
                host.nat.sends(to, self.clock.now)
            self.send(data, host.address, to)

    def _deliver(self, data: bytes, source: Address, to: Address) -> None:
        self.delivered += 1
        self.delivered_bytes += len(data)
        host, sender = self.hosts.get(to), self.hosts.get(source)
        self._note(
            tag(source) if sender is None else sender.tag,
            tag(to) if host is None else host.tag,
            data,
        )
        if host is not None and (host.nat is None or host.nat.admits(source, self.clock.now)):
            host.receive(data, source)

    def _resolved(self, host: Host, effect: Resolve) -> None:
        self._note(host.tag, host.tag, _summary(effect))

    def _note(self, source: bytes, to: bytes, data: bytes) -> None:
        self._trace.update(_pack_note(self.clock.now, len(data)) + source + to + data)


def _peers(hosts: list[Host]) -> list[Peer]:
    return [Peer(host.address) for host in hosts]


def _summary(effect: Resolve) -> bytes:
    """What an operation came to, the same in every process."""
    result = effect.result
    if isinstance(result, PutResult):
        told = [(o.address, o.ack and o.ack.status.name, o.failure) for o in result.outcomes]
        return f"{effect.operation} put {result.stored}/{result.known} {told}".encode()
    if isinstance(result, CheckResult):
        checked = [(node.address, node.verdict.name) for node in result.nodes]
        return f"{effect.operation} check {checked}".encode()
    if result is None:
        return f"{effect.operation} woke".encode()
    if isinstance(result, list):
        return f"{effect.operation} nearest {[peer.address for peer in result]}".encode()
    assert isinstance(result, GetResult)
    value = b"" if result.entry is None else result.entry.data
    told_of = f"{effect.operation} get {result.found.name} {result.replicas} "
    return f"{told_of}{result.answered}/{result.asked} ".encode() + value


def seconds(duration: Instant) -> float:
    """A duration in seconds, to the millisecond."""
    return round(duration / MS) / 1000
