"""A node core whose effects the test carries out, and askers with real sessions to it.

No time passes on the way: `pump` moves datagrams until none is left. What the node wants verified
or written waits in lists until the test says how that went.
"""

from collections.abc import Callable
from random import Random

from dave.crypto import sign
from dave.crypto.identity import client_identity, node_identity
from dave.crypto.network import Network, network
from dave.drops import Drop, Drops
from dave.effects import Append, Verify
from dave.limits import ACCEPT_OVERHEAD_BYTES
from dave.names import MS, SECOND, Address, Instant, hybrid_time
from dave.node.node import Node
from dave.session.session import Session
from dave.session.sessions import Sessions
from dave.store.store import Store
from dave.testing.owner import Owner
from dave.wire import messages
from dave.wire.messages import Message, Put

PAID = network("paid", node_work_bits=0)
FREE = network("free", b"sixteen bytes ok")
NODE: Address = ("10.0.0.1", 1424)
WALL_MS = 1_800_000_000_000
START: Instant = 1_000 * SECOND


class Stage:
    """One node at NODE."""

    def __init__(self, net: Network = FREE, seed: int = 1, capacity: int = 1 << 24) -> None:
        self.network = net
        self.rng = Random(seed)
        self.now = START
        self.identity = node_identity(self.rng.randbytes(32), bytes(8))
        assert self.identity.id is not None
        self.store = Store(self.identity.id, net, capacity, 7)
        self.node = Node(
            self.identity, net, self.rng, self.store, start_count=3, journal_id=bytes(16)
        )
        self.node.wall_offset_ms = WALL_MS - START // MS
        self.node.at_home = True
        self.node.start(self.now)
        self.owner = Owner(self.rng, net)
        self.verifies: list[Verify] = []
        self.appends: list[Append] = []
        self.askers: dict[Address, Asker] = {}
        self.sent: list[tuple[bytes, Address]] = []
        """All that the node has sent."""

    @property
    def unix_ms(self) -> int:
        return self.node.unix_ms(self.now)

    def time(self, ahead_ms: int = 0, count: int = 0) -> int:
        return hybrid_time(self.unix_ms + ahead_ms, count)

    def entry(self, key: bytes = b"key", value: bytes = b"value", ahead_ms: int = 0, ttl=3600):
        return self.owner.entry(key, value, self.time(ahead_ms), ttl)

    def asker(self) -> "Asker":
        number = len(self.askers) + 1
        asker = Asker(self, (f"10.{number >> 8}.{number & 255}.9", 999))
        self.askers[asker.address] = asker
        return asker

    def pump(self) -> None:
        while True:
            for effect in self.node.take_effects():
                if isinstance(effect, Verify):
                    self.verifies.append(effect)
                elif isinstance(effect, Append):
                    self.appends.append(effect)
            out = self.node.datagrams_to_send()
            self.sent += out
            for data, to in out:
                if to in self.askers:
                    self.askers[to].receive(data)
            for asker in self.askers.values():
                outbox, asker.sessions.outbox = asker.sessions.outbox, []
                for data, to in outbox:
                    assert to == NODE
                    self.node.receive_datagram(data, asker.address, self.now)
                    out = out or [(data, to)]
            if not out:
                return

    def verify(self) -> None:
        """Really verify all that waits."""
        verifies, self.verifies = self.verifies, []
        for effect in verifies:
            verdict = sign.verify(effect.owner, effect.signed)
            self.node.verified(effect.ticket, verdict, self.now)
        self.pump()

    def commit(self, ok: bool = True) -> None:
        """All records are on disk, or the disk has failed."""
        appends, self.appends = self.appends, []
        for effect in appends:
            self.node.appended(effect.ticket, ok, self.now)
        self.pump()

    def put(self, *entries) -> None:
        """Have the node store these, as put by a client."""
        asker = self.asker()
        for entry in entries:
            asker.put(entry)
        self.verify()
        self.commit()

    def run(self, seconds: float) -> None:
        """Let that much time pass for the node."""
        until = self.now + int(seconds * SECOND)
        while (due := self.node.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.node.handle_timer(self.now)
            self.pump()
        self.now = until


class Asker:
    """A client's session layer, with its session to the node."""

    def __init__(self, stage: Stage, address: Address, *, is_node: bool = False) -> None:
        self.stage = stage
        self.address = address
        self.drops = Drops()
        seed = stage.rng.randbytes(32)
        identity = node_identity(seed, bytes(8)) if is_node else client_identity(seed)
        self.sessions = Sessions(identity, stage.network, stage.rng, self.drops)
        self.replies: dict[bytes, Message] = {}
        self.accepted: list[bytes] = []
        """Replies as bytes that came in an ACCEPT."""
        self.on_reply: Callable[[bytes, Message], None] = self.take
        self._requests = 0

    def receive(self, data: bytes) -> None:
        received = self.sessions.receive(data, NODE, self.stage.now)
        if data[1] == 4:
            self.accepted.append(received[1] if received else b"")
        if received and received[1]:
            request_id, reply = messages.decode(received[1])
            self.on_reply(request_id, reply)

    def take(self, request_id: bytes, reply: Message) -> None:
        assert request_id not in self.replies, "one answer to one request"
        self.replies[request_id] = reply

    def open(self, message: bytes = b"", room: int = 0) -> Session:
        """Shake hands with an INIT that carries `message` and pays for `room` bytes of reply."""
        node = self.stage.identity
        reply_bytes = room + ACCEPT_OVERHEAD_BYTES if room else 0
        self.sessions.connect(
            NODE, self.stage.now, node.public_key, node.nonce, message, reply_bytes
        )
        self.stage.pump()
        session = self.sessions.find(NODE)
        assert session is not None
        return session

    def send(self, message: Message) -> bytes:
        """Ask, in DATA; returns the request id under which the reply will be found."""
        self._requests += 1
        request_id = self._requests.to_bytes(4, "big")
        self.send_bytes(messages.encode(request_id, message))
        return request_id

    def send_bytes(self, message: bytes) -> None:
        session = self.sessions.find(NODE) or self.open()
        self.sessions.seal(session, message, self.stage.now)
        self.stage.pump()

    def ask(self, message: Message) -> Message | None:
        """Ask; the reply, if it came at once."""
        return self.replies.get(self.send(message))

    def put(self, entry, expected=None, is_direct=True) -> bytes:
        return self.send(Put(entry, expected, is_direct))

    def put_now(self, entry, expected=None):
        """Put, verify, commit; the acknowledgement."""
        request_id = self.put(entry, expected)
        self.stage.verify()
        self.stage.commit()
        return self.replies[request_id]

    def status(self, request_id: bytes) -> str | None:
        """What a put was told, if anything yet."""
        reply = self.replies.get(request_id)
        return None if reply is None else reply.status.name


def dropped(stage: Stage, reason: Drop) -> int:
    return stage.node.drops.counts[reason]
