"""Nodes that keep shares in a dictionary, stripes to put there, and clients that do."""

from functools import partial

from dave.effects import DropShares, ReadShare, Rebuild, SaveRecord, SaveRelease, WriteShare
from dave.limits import HALF_LIFE_DAYS, PIECE_BYTES_MAX
from dave.names import SECOND
from dave.node.streams import LiveSource
from dave.store.shares import ShareIndex
from dave.testing.lean import LeanNode
from dave.testing.world import World
from dave.wire import shares as wire
from dave.wire.shares import Offer
from dave.wire.stream_kind import StreamKind
from tests.node.networks import FREE, STEADY
from tests.node.streaming import ask, peer_of
from tests.signed_stripes import SignedStripes

SHARE_EFFECTS = (WriteShare, SaveRecord, ReadShare, DropShares, SaveRelease, Rebuild)
CAPACITY = 1 << 30


class ShareDisk:
    """What a node keeps of shares. `holds_back`: writes wait until `go_on`."""

    def __init__(self):
        self.shares = {}
        self.records = {}
        self.released = []
        self.writes = 0
        self.reads = 0
        self.is_broken = False
        self.holds_back = False
        self.held_back = []

    def carry_out(self, effect):
        """The answer to an effect; Ellipsis: none."""
        if isinstance(effect, WriteShare):
            if not self.is_broken:
                self.writes += 1
                self.shares[effect.address] = b"".join(effect.pieces)
            return not self.is_broken
        if isinstance(effect, SaveRecord):
            return not self.is_broken
        if isinstance(effect, ReadShare):
            self.reads += 1
            share = self.shares.get(effect.address)
            return None if share is None else share[effect.offset : effect.offset + effect.size]
        if isinstance(effect, SaveRelease):
            self.released.append((effect.owner, effect.reference))
            return True
        assert isinstance(effect, DropShares)
        for address in effect.addresses:
            self.shares.pop(address, None)
        return ...


class ShareNode(LeanNode):
    """A node with such a disk."""

    def __init__(self, *args, world, disk, capacity=CAPACITY, **options):
        super().__init__(*args, **options)
        self.world, self.disk = world, disk
        half_life_ms = HALF_LIFE_DAYS * 86_400_000
        self.serve_shares(ShareIndex(self.id, capacity, self.network, half_life_ms))

    def take_effects(self):
        """Shares are carried out here; the world sees the rest."""
        rest = []
        while effects := super().take_effects():
            for effect in effects:
                if not isinstance(effect, SHARE_EFFECTS):
                    rest.append(effect)
                elif self.disk.holds_back and isinstance(effect, WriteShare):
                    self.disk.held_back.append(effect)
                else:
                    self._answer(effect)
        return rest

    def go_on(self):
        """What was held back is written."""
        self.disk.holds_back = False
        held, self.disk.held_back = self.disk.held_back, []
        for effect in held:
            self._answer(effect)

    def _answer(self, effect):
        result = self.disk.carry_out(effect)
        if result is not ...:
            self.share_answered(effect.ticket, result, self.world.now)


def share_network(nodes, seed=5, net=FREE, **options):
    """A world of nodes that keep shares, and a client that knows the first."""
    world = World(seed, net, STEADY)
    for _ in range(nodes):
        world.add_node(make=partial(ShareNode, world=world, disk=ShareDisk(), **options))
        world.run(5)
    client = world.add_client()
    return world, client


def maker_in(world, seed=1):
    """Stripes of an owner in that world."""
    return SignedStripes(world.network, world.time, seed)


class Told:
    """Collects what callbacks are called with."""

    def __init__(self):
        self.told = []

    def __call__(self, *args):
        self.told.append(args[:-1] if len(args) > 2 else args[0])


def put(host, to, record, index, share, seconds=60):
    """Offer one share; what the outcome is told to."""
    told, now = Told(), host._clock.now
    host.core.uploads.put(peer_of(to), record, index, share, told, now, now + seconds * SECOND)
    host.settle()
    return told


def put_all(host, to, made, seconds=60):
    """Offer all shares of stripes to one node."""
    return [
        put(host, to, record, index, share, seconds)
        for record, shares in made
        for index, share in enumerate(shares)
    ]


def statuses(told):
    return [outcome.status.name for each in told for outcome in each.told]


def fetch(host, to, addresses, seconds=60):
    """Fetch shares; ({address: share}, [status])."""
    told, got, now = Told(), {}, host._clock.now

    def on_share(address, share, now):
        assert address not in got
        got[address] = share

    host.core.fetches.fetch(peer_of(to), addresses, on_share, told, now, now + seconds * SECOND)
    host.settle()
    return got, told.told


def hand():
    """One node, and a client that offers to it by hand: world, client, node, script."""
    world, client = share_network(1)
    node = world.nodes[0]
    script = script_of(client, node)
    world.run(1)
    return world, client, node, script


class Script:
    """A TAKE that says what the test wants said; wakes when there is more."""

    def __init__(self):
        self.pieces = []
        self.wake = lambda: None
        self.is_closed = False
        self.verdicts = []

    def say(self, *pieces):
        self.pieces += pieces
        self.wake()
        self.host.settle()

    def next_piece(self, now):
        return self.pieces.pop(0) if self.pieces else b""

    def close(self):
        self.is_closed = True

    def on_piece(self, data, now):
        self.verdicts += wire.read_verdicts_piece(data)
        self.stream.consumed(len(data))

    def on_end(self, end, now):
        self.end = end

    def said(self, status):
        return [verdict.seq for verdict in self.verdicts if verdict.status is status]


def script_of(client, node, token=b"tokenxyz"):
    """A client that offers by hand."""

    class Source(Script, LiveSource):
        pass

    script = Source()
    script.host = client
    if StreamKind.TAKE in client.core.streams._handlers:
        client.core.streams._handlers.pop(StreamKind.TAKE)
    client.core.streams.serve(StreamKind.TAKE, lambda *_: script)
    ask(client, node, script, wire.offer_request(token))
    return script


def offers(record, *seqs, number=None):
    return wire.offers_piece(
        wire.offer_bytes(Offer(seq, seq if number is None else number, record.data)) for seq in seqs
    )


def cut(share):
    return [share[i : i + PIECE_BYTES_MAX] for i in range(0, len(share), PIECE_BYTES_MAX)]


def is_hung_up(world, node):
    return node.core.streams.links == 0 and node.node.shares.takers == 0
