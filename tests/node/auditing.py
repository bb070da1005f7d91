"""Two simulated nodes, one of which has promised the other what both hold, and ways to cheat."""

from collections import Counter

from dave.crypto.network import network
from dave.limits import CHALLENGE_ENTRIES_MAX
from dave.names import MS, SECOND
from dave.store.shard import Gone
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.promises import Challenge, Proof, Want

STEADY = Link(delay_ms=10, jitter_ms=0)
ANNOUNCE, CHALLENGE, GET, PING = 11, 13, 5, 1
"""Message types."""


def wants_nothing(node):
    """Answers to ANNOUNCE that promise nothing."""
    return lambda session, message, now: node.reply(session, message, Want(0, 0), now)


class Pair:
    """A challenger and a prover that both hold some entries, which the prover has promised."""

    def __init__(self, entries=70, ttl=86_400):
        self.world = world = World(5, network("audits", b"sixteen bytes ok"), STEADY)
        self.asker, self.prover = world.add_node(), world.add_node()
        world.run(3)
        self.honest_announce = self.asker.node.handlers[ANNOUNCE]
        for host in (self.asker, self.prover):  # they promise what the tests say, and nothing else
            host.node.handlers[ANNOUNCE] = wants_nothing(host.node)
            host.node.on_pong = lambda *_: None  # and pulls nothing
        self.owner, self.client = world.owner(), world.add_client()
        self.entries = [self.put(b"key %d" % i, ttl=ttl) for i in range(entries)]
        world.run(1)
        contact = self.asker.node.table.get(self.prover.node.id)
        assert contact is not None
        self.contact = contact
        for entry in self.entries:
            self.asker.node.promises.note(contact.id, entry.id)
        self.seen: list[Challenge] = []
        """Challenges that reached the prover."""
        self.serve = self.prover.node.handlers[CHALLENGE]
        self.prover.node.handlers[CHALLENGE] = self.watch

    def put(self, key, value=b"value", ttl=86_400):
        entry = self.owner.entry(key, value, self.world.time(), ttl)
        put = self.client.put(entry)
        assert self.world.run_until_resolved(self.world.settled(put))[0].stored == 2
        return entry

    def watch(self, session, message, now):
        self.seen.append(Challenge.read(message))
        self.serve(session, message, now)

    def lose(self, host, *entries):
        """A host has not got them any more, and says nothing."""
        for entry in entries:
            store = host.node.store
            store._remove(store._shard(entry.id), store._shard(entry.id).entries[entry.id])

    def alter(self, change):
        """The prover's proofs are what `change` makes of the honest ones."""
        node = self.prover.node
        honest = node.proofs.prove
        node.proofs.prove = lambda *args: change(honest(*args))

    def begin(self):
        audits = self.asker.node.audits
        audits._last.clear()
        began = audits.challenge(self.contact, self.world.now)
        self.asker.settle()
        return began

    def audit(self, seconds=30):
        """One audit, to its end; how it ended."""
        audits = self.asker.node.audits
        before = outcomes(audits)
        assert self.begin()
        until = self.world.now + seconds * SECOND
        while len(audits) and self.world.clock.step(until):
            pass
        (outcome,) = (outcomes(audits) - before).elements()
        return outcome

    @property
    def evidence(self):
        evidence = self.asker.node.trust.evidence(self.contact.id)
        return None if evidence is None else (round(evidence.kept), round(evidence.broken))

    def has_promised(self, entry):
        return self.asker.node.promises.has(self.contact.id, entry.id)


def outcomes(audits):
    return Counter(
        kept=audits.kept, broken=audits.broken, offline=audits.offline, unsettled=audits.unsettled
    )


def claims(state):
    """Says of all entries that they are in this state."""
    return lambda proof: Proof((state,) * CHALLENGE_ENTRIES_MAX, proof.hash)


def delay(pair, milliseconds):
    """The prover takes so much longer for its proofs."""
    world, node = pair.world, pair.prover

    def late(session, message, now):
        def answer():
            pair.watch(session, message, world.now)
            node.settle()

        world.clock.schedule(now + milliseconds * MS, answer)

    pair.prover.node.handlers[CHALLENGE] = late


def update(pair, host, count):
    """The first entries change on one host only."""
    for i, entry in enumerate(pair.entries[:count]):
        newer = pair.owner.entry(b"key %d" % i, b"changed", pair.world.time())
        node = host.node
        node.store.insert(newer, entry.id, 1 << 40 | i, node.unix_ms(pair.world.now), 0.0)
        node.replicas.index.add(newer.digest(pair.world.network)[:16], entry.id)


def evict(pair, *entries):
    """The prover evicts, and answers as one that announced it."""
    pair.lose(pair.prover, *entries)
    gone = {entry.digest(pair.world.network)[:16] for entry in entries}
    proofs = pair.prover.node.proofs
    find = proofs._find
    proofs._find = lambda short: (None, Gone.EVICTED) if short in gone else find(short)
