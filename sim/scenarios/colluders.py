"""Colluders in lookups: they answer FIND with each other only, so that whoever listens to one of
them never hears of anybody else. Disjoint paths are the defence (S/Kademlia, Baumgart and Mies
2007, who report 0.99 at 20 % of adversaries and 0.85 at 50 %, by d = 8).

No datagram travels here: the real Lookup asks nodes whose tables are drawn at once, full buckets
and exact neighbours, as joining would have left them. A plain colluder tells of the colluders
nearest to the target; a sly one of 20 drawn from the 160 nearest, so that its answers differ.
"""

from collections.abc import Callable, Sequence
from heapq import nsmallest
from random import Random
from typing import NamedTuple

from dave.crypto.identity import client_identity
from dave.crypto.network import network
from dave.limits import (
    BUCKET_CONTACTS,
    DETOUR_REACH,
    LOOKUP_PATHS_WIDE,
    REPLICAS,
)
from dave.names import MS, Instant, Place
from dave.node.candidate import State
from dave.node.core import Core
from dave.node.lookup import Lookup, go_on
from dave.node.paths import detours
from dave.node.requests import Answer, Peer
from dave.peers.contact import Contact
from dave.session.session import Session
from dave.wire.messages import Find, FindAck, Request, WireContact
from sim.figures import Figure, at_least
from sim.world import World

SIBLINGS = 2 * BUCKET_CONTACTS
PLACEMENTS = 10
"""Sets of colluders drawn, for each share."""
SHARES = (10, 20, 30, 40, 50)
GOALS = {20: 0.99, 30: 0.97, 50: 0.85}
"""Share of colluders in percent: success at least."""
SLY_CHOICE = 160
RTT: Instant = 10 * MS

Ids = list[Place]
"""Node ids."""


class Ring:
    """Nodes with full tables, and who of them colludes."""

    def __init__(self, nodes: int, rng: Random) -> None:
        self.rng = rng
        self.ids: Ids = [rng.getrandbits(64) for _ in range(nodes)]
        self.tables = {node_id: _table(node_id, self.ids, rng) for node_id in self.ids}
        self.colluders: Ids = []
        self.bad: frozenset[Place] = frozenset()
        self.is_sly = False
        self.core = AskingCore(self)

    @property
    def expected(self) -> int:
        """Where the R-th nearest node to any place is expected."""
        return REPLICAS * (1 << 64) // len(self.ids)

    def corrupt(self, share: float, is_sly: bool) -> None:
        """Let another share of the nodes collude."""
        self.colluders = self.rng.sample(self.ids, int(len(self.ids) * share))
        self.bad = frozenset(self.colluders)
        self.is_sly = is_sly

    def find(self, node_id: Place, target: Place) -> Ids:
        """What a node answers to FIND."""
        if node_id not in self.bad:
            return _nearest(self.tables[node_id], target, BUCKET_CONTACTS)
        if not self.is_sly:
            return _nearest(self.colluders, target, BUCKET_CONTACTS)
        near = _nearest(self.colluders, target, SLY_CHOICE)
        return self.rng.sample(near, min(BUCKET_CONTACTS, len(near)))

    def look_up(self, asker: Place, key: Place, paths: int) -> Lookup:
        """A lookup by an honest node that has ended."""
        lookup = Lookup(
            self.core, key, Find(key), go_on, lambda *_: None,
            detours=detours(key, paths, DETOUR_REACH * self.expected, self.rng),
        )  # fmt: skip
        near = _nearest(self.tables[asker], key, BUCKET_CONTACTS)
        lookup.start([Peer(_address(node_id), _key(node_id), bytes(8), node_id)
                      for node_id in near], 0)  # fmt: skip
        self.core.drain()
        assert lookup.is_over
        return lookup


class AskingCore(Core):
    """The core under a lookup: its requests are answered from the ring, one after another."""

    def __init__(self, ring: Ring) -> None:
        super().__init__(client_identity(bytes(32)), network("sim", node_work_bits=0), ring.rng)
        self._ring = ring
        self._open: list[tuple[Peer, Place, Callable[[Answer, Instant], None]]] = []

    def ask(self, peer: Peer, message: Request, done: Callable[[Answer, Instant], None],
            now: Instant, attempts: int | None = None) -> None:  # fmt: skip
        """Remember the question."""
        assert isinstance(message, Find)
        self._open.append((peer, message.place, done))

    def learn(self, told: WireContact) -> Contact:
        """The id is in the key: what is measured here is not whether stamps are checked."""
        return Contact(*told, int.from_bytes(told.public_key[:8], "big"))

    def drain(self) -> None:
        """Answer in turns, as equal round trips would: all that were asked before any asked now."""
        now = 0
        while self._open:
            now += RTT
            questions, self._open = self._open, []
            for peer, target, done in questions:
                assert peer.id is not None
                told = [
                    WireContact(_key(node_id), bytes(8), _address(node_id))
                    for node_id in self._ring.find(peer.id, target)
                ]
                session = Session(peer.address, (1, 1), _key(peer.id), (peer.id, b""), True, now)
                done(Answer(FindAck(tuple(told)), session, RTT, None), now)


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """60 lookups for each share of colluders; at least 100 nodes."""
    return _run(seed, nodes, 60)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """400 lookups for each share of colluders."""
    return _run(seed, nodes, 400)


def _run(seed: int, nodes: int, lookups: int) -> tuple[World, list[Figure]]:
    world = World(seed)
    ring = Ring(nodes, world.rng)
    world.ring_nodes = nodes
    figures: list[Figure] = []
    for percent in SHARES:
        for is_sly in (False, True):
            kind = "sly" if is_sly else "plain"
            measured = _success(ring, percent / 100, is_sly, LOOKUP_PATHS_WIDE, lookups)
            who = f"{percent} % {kind}"
            name = f"{who}: nearest honest node found"
            goal = GOALS.get(percent)
            nearest = measured.nearest
            figures += [
                Figure(name, nearest) if goal is None else at_least(name, nearest, goal),
                Figure(f"{who}: any honest one of the R nearest", measured.region),
                Figure(f"{who}: nodes asked, mean", measured.asked),
            ]
            world.record(f"{kind} colluders, d = {LOOKUP_PATHS_WIDE}", percent / 100, nearest)
        one = _success(ring, percent / 100, True, 1, lookups)
        figures.append(Figure(f"{percent} % sly, one path: nearest honest node found", one.nearest))
        world.record("sly colluders, d = 1", percent / 100, one.nearest)
    world.note(repr(figures).encode())
    return world, figures


class Measured(NamedTuple):
    """Shares of lookups that answered with the nearest honest node, and with any of the R nearest
    honest ones; mean number of nodes that answered."""

    nearest: float
    region: float
    asked: float


def _success(ring: Ring, share: float, is_sly: bool, paths: int, lookups: int) -> Measured:
    nearest = region = asked = 0
    for _ in range(PLACEMENTS):
        ring.corrupt(share, is_sly)
        honest = [node_id for node_id in ring.ids if node_id not in ring.bad]
        for _ in range(lookups // PLACEMENTS):
            asker, key = ring.rng.choice(honest), ring.rng.getrandbits(64)
            lookup = ring.look_up(asker, key, paths)
            answered = frozenset(c.peer.id for c in lookup.nearest(State.ANSWERED))
            wanted = _nearest([i for i in honest if i != asker], key, REPLICAS)
            nearest += wanted[0] in answered
            region += any(node_id in answered for node_id in wanted)
            asked += len(answered)
    return Measured(nearest / lookups, region / lookups, asked / lookups)


def _table(own: Place, ids: Ids, rng: Random) -> Ids:
    """Up to K nodes of each bucket, and all of the nearest."""
    buckets: dict[int, Ids] = {}
    for node_id in ids:
        if node_id != own:
            buckets.setdefault((node_id ^ own).bit_length(), []).append(node_id)
    table = dict.fromkeys(_nearest(ids, own, SIBLINGS + 1)[1:])
    for bucket in buckets.values():
        table |= dict.fromkeys(rng.sample(bucket, min(BUCKET_CONTACTS, len(bucket))))
    return list(table)


def _nearest(ids: Sequence[Place], place: Place, count: int) -> Ids:
    return [distance ^ place for distance in nsmallest(count, [i ^ place for i in ids])]


def _key(node_id: Place) -> bytes:
    return node_id.to_bytes(8, "big") + bytes(24)


def _address(node_id: Place) -> tuple[str, int]:
    return f"10.{node_id >> 56}.{node_id >> 48 & 255}.{node_id >> 40 & 255}", 1 + (node_id & 16383)
