"""Who drops what it promised is found, and who keeps it is not accused: over paths that lose a
tenth of all packets each way, with cheats that dropped 5 % of the entries, that dropped all, and
that fetch them from another node, 50 ms away there and back, when they are challenged.

Every node was given every entry, so that each audit is one of 64 entries, and each honest node
audits each other one every ten minutes. The nodes keep no house meanwhile: what passes between
audits is nothing but time.
"""

from collections import Counter
from random import Random

from dave.crypto.network import network
from dave.limits import AUDIT_SECONDS
from dave.names import SECOND, Instant, Place
from dave.node.requests import Answer, Peer
from dave.peers.contact import Contact
from dave.peers.trust import Trust
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.entry import Entry
from dave.wire.messages import Put, PutAck
from dave.wire.status import STORED_STATUSES
from sim.cheats import Dropper, Proxy
from sim.figures import Figure, at_least, at_most
from sim.tables import fill_tables

ENTRIES = 300
ENTRY_SECONDS = 30 * 86_400
CHEATS_EACH = 2
DROPPED_SHARE = 0.05
ROUNDS = 20
ROUNDS_FULL = 100
LOSSY = Link(delay_ms=20, jitter_ms=5, loss=0.10)
TO_KEEPER = Link(delay_ms=25, jitter_ms=0)
SECRET = b"a simulated secret"
HONEST, PART, ALL, PROXY = "honest", "dropped 5 %", "dropped all", "proxy at 50 ms"


class _Watched(Trust):
    """Trust that remembers how many promises each peer kept and broke, unfaded."""

    def __init__(self) -> None:
        super().__init__()
        self.events: Counter[tuple[Place, bool]] = Counter()

    def kept(self, peer: Place, now: Instant) -> None:
        super().kept(peer, now)
        self.events[peer, True] += 1

    def broke(self, peer: Place, now: Instant) -> None:
        super().broke(peer, now)
        self.events[peer, False] += 1


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Three hours; at least 8 nodes, of which 6 cheat."""
    return _run(seed, nodes, ROUNDS)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """17 hours."""
    return _run(seed, nodes, ROUNDS_FULL)


def _run(seed: int, nodes: int, rounds: int) -> tuple[World, list[Figure]]:
    world = World(seed, network("cheats", SECRET), Link(delay_ms=20, jitter_ms=5))
    groups = _populate(world, nodes)
    entries = _give_everything(world)
    _cheat(world, groups, entries)
    world.links.default = LOSSY
    for host in groups[HONEST]:
        host.node.trust = _Watched()
    started = world.now
    for _ in range(rounds):
        _audit_all(world, groups[HONEST], entries)
        for kind, members in groups.items():
            hours = (world.now - started) / SECOND / 3600
            world.record(kind, hours, _mean_score(world, groups[HONEST], members))
    caught = {kind: _broken_share(groups[HONEST], groups[kind]) for kind in groups}
    audits = [host.node.audits for host in groups[HONEST]]
    return world, [
        at_least("audits that caught who dropped 5 %", caught[PART], 0.96),
        at_least("audits that caught who dropped all", caught[ALL], 1.0),
        at_least("audits that caught a proxy at 50 ms", caught[PROXY], 0.99),
        at_most("audits that accused an honest node", caught[HONEST], 0.001),
        at_least("trust in honest nodes", _mean_score(world, groups[HONEST], groups[HONEST]), 0.7),
        *(
            at_most(f"trust in: {kind}", _mean_score(world, groups[HONEST], groups[kind]), 0.05)
            for kind in (PART, ALL, PROXY)
        ),
        Figure("audits", sum(a.kept + a.broken for a in audits)),
        Figure("audits of nodes that did not answer", sum(a.offline for a in audits)),
    ]


def _populate(world: World, nodes: int) -> dict[str, list[Host]]:
    def add(count: int, make: type) -> list[Host]:
        return [world.add_node([], make=make, keeps_house=False) for _ in range(count)]

    groups = {HONEST: [world.add_node([], keeps_house=False) for _ in range(nodes - 6)]}
    groups[PART] = add(CHEATS_EACH, Dropper)
    groups[ALL] = add(CHEATS_EACH, Dropper)
    groups[PROXY] = add(CHEATS_EACH, Proxy)
    fill_tables(world.nodes, Random(world.rng.getrandbits(64)), world.now)
    return groups


def _give_everything(world: World) -> list[Entry]:
    """Every entry to every node, as if the region were so large."""
    owner, client = world.owner(), world.add_client()
    stored: list[bool] = []

    def done(answer: Answer, now: Instant) -> None:
        assert isinstance(answer.reply, PutAck)
        stored.append(answer.reply.status in STORED_STATUSES)

    entries = []
    for number in range(ENTRIES):
        entry = owner.entry(b"key %d" % number, b"value", world.time(), ENTRY_SECONDS)
        entries.append(entry)
        for host in world.nodes:
            client.core.ask(Peer(host.address), Put(entry, is_direct=True), done, world.now)
        client.settle()
        world.run(0.2)
    world.run(5)
    assert stored == [True] * ENTRIES * len(world.nodes)
    return entries


def _cheat(world: World, groups: dict[str, list[Host]], entries: list[Entry]) -> None:
    """From now on."""
    for kind, share in ((PART, DROPPED_SHARE), (ALL, 1.0)):
        for host in groups[kind]:
            assert isinstance(host.node, Dropper)
            gone = world.rng.sample(entries, int(share * ENTRIES))
            host.node.dropped = dict.fromkeys(entry.id for entry in gone)
    for host, keeper in zip(groups[PROXY], groups[HONEST], strict=False):
        assert isinstance(host.node, Proxy)
        host.node.keeper = Peer(keeper.address)
        world.links.set_link(host.name, keeper.name, TO_KEEPER)
        world.links.set_link(keeper.name, host.name, TO_KEEPER)


def _audit_all(world: World, honest: list[Host], entries: list[Entry]) -> None:
    """Each honest node audits all others, spread over ten minutes. What was found broken in the
    last round is promised anew: repair announces it, and a cheat says that it holds it."""
    pause = (AUDIT_SECONDS + 1) / (len(honest) * (len(world.nodes) - 1))
    for asker in honest:
        for host in world.nodes:
            if host is asker:
                continue
            for entry in entries:
                asker.node.promises.note(host.node.id, entry.id)
            contact = asker.node.table.get(host.node.id) or _contact(host)
            assert asker.node.audits.challenge(contact, world.now)
            asker.settle()
            world.run(pause)


def _contact(host: Host) -> Contact:
    identity = host.node.identity
    return Contact(identity.public_key, identity.nonce, host.address, host.node.id)


def _broken_share(askers: list[Host], peers: list[Host]) -> float:
    """Of the audits of `peers` that ended with a verdict, how many found a broken promise."""
    kept = broken = 0
    for asker in askers:
        assert isinstance(asker.node.trust, _Watched)
        for peer in peers:
            kept += asker.node.trust.events[peer.node.id, True]
            broken += asker.node.trust.events[peer.node.id, False]
    return broken / (kept + broken)


def _mean_score(world: World, askers: list[Host], peers: list[Host]) -> float:
    """The score of `peers` at the nodes that audit them."""
    scores = [
        asker.node.trust.score(peer.node.id, world.now)
        for asker in askers
        for peer in peers
        if peer is not asker
    ]
    return sum(scores) / len(scores)
