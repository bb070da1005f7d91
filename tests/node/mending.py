"""Stripes and who holds them, without a network: for tests of surveys, cases and jobs."""

from random import Random

from dave.crypto.network import network
from dave.files import stripes as transforms
from dave.files.code import Code
from dave.node.shares import stripe_plan
from dave.node.shares.stripe_plan import Holding
from dave.node.shares.stripe_survey import Surveyed
from sim import stripes
from sim.network import Link
from sim.world import World

FREE = network("mending", b"sixteen bytes ok")
STEADY = Link(delay_ms=10, jitter_ms=0)
SHARE_BYTES = 20_000
TTL = 30 * 86_400
FOUR_OF_SIX = Code(4, 6)


def network_of(nodes, seed=5, **options):
    """Nodes with room for shares that know each other."""
    world = World(seed, FREE, STEADY)
    for _ in range(nodes):
        world.add_node(**{"blob_capacity": 1 << 28, **options})
    world.run(30)
    return world


def put(world, code=FOUR_OF_SIX, count=1, share_bytes=SHARE_BYTES):
    """Stripes put by a new client, all of whose shares are stored."""
    owner, client = world.owner(), world.add_client()
    made = [stripes.make(world, owner, code, share_bytes, TTL) for _ in range(count)]
    for stripe in made:
        assert stripes.put(world, client, stripe) == code.n
    return made


class Made:
    """One stripe, and nodes 1, 2, ... of which the nearer ones have the smaller ids."""

    def __init__(self, code=FOUR_OF_SIX, seed=1, share_bytes=SHARE_BYTES):
        world = World(seed, FREE, STEADY)
        self.stripe = stripes.make(world, world.owner(), code, share_bytes, TTL)
        self.record = self.stripe.record
        self.shares = self.stripe.shares

    def id(self, i):
        """The id of the i-th nearest node."""
        return self.stripe.place ^ (i + 1)

    def found(self, *masks, own=None):
        """What a survey tells, of nodes that hold these; `own`: which of them we are."""
        raw = [Holding(self.id(i), mask) for i, mask in enumerate(masks)]
        holders = {}
        for holding in raw:
            for number in range(self.record.n):
                if holding.mask >> number & 1:
                    holders.setdefault(self.record.address(number), []).append(holding.node_id)
        addresses = self.record.addresses
        within = stripe_plan.parted(addresses, raw[: stripe_plan.reach(self.record.n)])
        stripe = self.stripe
        return Surveyed(stripe.stripe_id, self.record, stripe.place, within, holders)


class FakeHands:
    """Does at once, or when told, what a job wants; `own` are the shares that are here."""

    def __init__(self, made, own=(), own_id=None):
        self.made = made
        self.own_id = own_id
        self.own = dict.fromkeys(made.record.address(number) for number in own)
        self.fetched = []
        self.placed = []
        self.rebuilt = []
        self.refuses = []
        """Nodes that take nothing."""
        self.full = []
        """Nodes known to have no room."""
        self.lacks = []
        """Nodes from which nothing comes."""
        self.spoil = lambda share: share

    def _share(self, address):
        return self.made.shares[self.made.record.addresses.index(address)]

    def is_here(self, address):
        return address in self.own

    def takes(self, peer, now):
        return peer not in self.full

    def read(self, address, size, came, now):
        came(self._share(address), now)

    def fetch(self, peer, address, came, now):
        self.fetched.append(peer)
        came(None if peer in self.lacks else self._share(address), now)

    def rebuild(self, record, shares, wanted, done):
        assert len(shares) == record.k
        self.rebuilt += wanted
        shape = record.shape
        made = transforms.rebuild(shape, shares, wanted)
        done([self.spoil(bytes(made[i])) for i in wanted], 0)

    def place(self, peer, record, number, share, done, now):
        assert share == self.made.shares[number]
        is_kept = peer not in self.refuses
        if is_kept:
            self.placed.append((peer, number))
        done(is_kept, now)


def shuffled(seed):
    rng = Random(seed)

    def order(peers):
        peers = list(peers)
        return rng.sample(peers, len(peers))

    return order
