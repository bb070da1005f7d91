"""Nodes in memory with the methods of dave/edge/files/shares.py, and faults that can be injected.

    shares = FakeShares(6)                     # shares.nodes[0].shares: {address: bytes}
    node.is_down = True                        # silent from now on
    node.refuses = ShareStatus.FULL            # refuses every share
    node.corrupts = True                       # what it sends fails its address
    node.shares.pop(address)                   # lacks it
    node.bytes_left = 10_000                   # then it is full

Each method lets the others go on once (`pause`), so that concurrency is real; `most_under_way` says
how many puts there were at a time. CPU work of clients goes by
`driver.offload(function, *arguments)`.
"""

import asyncio
import random

from dave.crypto import hashes, merkle, sign
from dave.crypto.work import meets
from dave.errors import ShareCorrupt, ShareLacking, Unreachable
from dave.node.requests import Peer
from dave.wire.share_status import ShareStatus
from dave.wire.shares import ShareOutcome


class FakeNode:
    """One node: its shares, and the records that hold them."""

    def __init__(self, number, rng):
        key = rng.randbytes(32)
        self.peer = Peer(("127.0.0.1", 2000 + number), key, bytes(8), rng.getrandbits(64))
        self.shares = {}
        self.records = {}  # (stripe id, owner, reference) -> [record, mask]
        self.released = []  # (owner, reference)
        self.is_down = False
        self.refuses = None
        self.corrupts = False
        self.bytes_left = 1 << 60
        self.taken_bytes = 0

    def take(self, record, index, data):
        """As a node takes a share; a ShareOutcome."""
        if self.refuses is not None:
            return ShareOutcome(self.refuses, 7)
        if (record.owner, record.reference) in self.released:
            return ShareOutcome(ShareStatus.RELEASED)
        address = record.address(index)
        had = address in self.shares
        if not had:
            if self.bytes_left < record.size(index):
                return ShareOutcome(ShareStatus.FULL)
            if data is None:
                return ShareOutcome(ShareStatus.WANTED)
            data = bytes(data() if callable(data) else data)
            assert (len(data), merkle.root(data)) == (record.size(index), address)
            self.bytes_left -= len(data)
            self.taken_bytes += len(data)
            self.shares[address] = data
        row = self.records.setdefault(
            (record.stripe_id, record.owner, record.reference), [record, 0]
        )
        if record.time > row[0].time:
            row[0] = record
        row[1] |= 1 << index
        return ShareOutcome(ShareStatus.HELD if had else ShareStatus.STORED)

    def release(self, owner, reference):
        """Drop all records of an upload, and the shares that nothing names any more."""
        self.released.append((owner, reference))
        gone = [key for key in self.records if key[1:] == (owner, reference)]
        for key in gone:
            del self.records[key]
        named = {
            record.address(index)
            for record, mask in self.records.values()
            for index in range(record.n)
            if mask >> index & 1
        }
        for address in [each for each in self.shares if each not in named]:
            self.bytes_left += len(self.shares.pop(address))
        return len(gone)


class FakeShares:
    """What dave/edge/files/shares.py offers, over nodes in memory."""

    def __init__(self, count=6, seed=0, pause=None, network=None):
        rng = random.Random(seed)
        self.nodes = [FakeNode(number, rng) for number in range(count)]
        self.pause = pause or (lambda: asyncio.sleep(0))
        self.network = network  # where it is given, signatures and stamps are checked
        self.under_way = self.most_under_way = 0
        self.fetches = 0
        self.failing_after = None  # puts until a crash, as an exception from put

    @property
    def taken_bytes(self):
        """Bytes of shares that nodes have taken in."""
        return sum(node.taken_bytes for node in self.nodes)

    def node(self, peer):
        """The node behind a peer."""
        return next(each for each in self.nodes if each.peer.public_key == peer.public_key)

    async def nearest(self, place, count, timeout):
        await self.pause()
        up = [node.peer for node in self.nodes if not node.is_down]
        if not up:
            raise Unreachable("nobody answers")
        return sorted(up, key=lambda peer: peer.id ^ place)[:count]

    async def put(self, peer, record, index, data, timeout):
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            node = await self._reach(peer)
        finally:
            self.under_way -= 1
        if self.failing_after is not None:
            self.failing_after -= 1
            if self.failing_after < 0:
                raise ConnectionAbortedError("interrupted")
        if node is None:
            return ShareOutcome(ShareStatus.NO_ANSWER)
        if self.network is not None and not self._is_good(record):
            return ShareOutcome(ShareStatus.BAD)
        return node.take(record, index, data)

    async def fetch(self, peer, address, timeout):
        node = await self._reach(peer)
        self.fetches += 1
        if node is None:
            raise Unreachable("no answer")
        if address not in node.shares:
            raise ShareLacking("not held there")
        if node.corrupts:
            raise ShareCorrupt("not what was asked for")
        return node.shares[address]

    async def held(self, peer, stripe_ids, timeout):
        node = await self._reach(peer)
        if node is None:
            raise Unreachable("no answer")
        found = []
        for stripe_id in stripe_ids:
            rows = [row for key, row in node.records.items() if key[0] == stripe_id]
            found.append((rows[0][0], rows[0][1]) if rows else None)
        return found

    async def release(self, peer, release, timeout):
        node = await self._reach(peer)
        if node is None:
            raise Unreachable("no answer")
        return node.release(release.owner, release.reference)

    def _is_good(self, record):
        signed = record.signature + record.signed_bytes(self.network)
        stamp = hashes.stripe_stamp(record.digest(self.network), record.nonce)
        is_paid = not self.network.asks_work or meets(stamp, record.work)
        return is_paid and sign.verify(record.owner, signed)

    async def _reach(self, peer):
        await self.pause()
        node = self.node(peer)
        return None if node.is_down else node
