"""Two session layers joined by a network whose time and losses the test owns."""

from collections.abc import Callable
from random import Random

from dave.crypto.identity import Identity, client_identity, node_identity
from dave.crypto.network import Network, network
from dave.drops import Drop, Drops
from dave.names import MS, SECOND, Address, Instant
from dave.session.session import Established, Event, Failed, Session
from dave.session.sessions import Sessions

NETWORK = network("test", node_work_bits=0)
A: Address = ("192.0.2.1", 1424)
B: Address = ("192.0.2.2", 1424)


def node(seed: int) -> Identity:
    """A node's identity; without work, since NETWORK asks none."""
    return node_identity(Random(seed).randbytes(32), bytes(8))


def client(seed: int) -> Identity:
    """A client's identity."""
    return client_identity(Random(seed).randbytes(32))


class End:
    """A session layer and what it was told."""

    def __init__(
        self, address: Address, identity: Identity, seed: int, net: Network = NETWORK
    ) -> None:
        self.address = address
        self.identity = identity
        self.drops = Drops()
        self.rng = Random(seed)
        self.sessions = Sessions(identity, net, self.rng, self.drops)
        self.got: list[tuple[Session, bytes]] = []
        self.events: list[Event] = []
        self.reply: Callable[[bytes], bytes] | None = None

    def established(self) -> list[Session]:
        """Sessions reported as good, in order."""
        return [e.session for e in self.events if isinstance(e, Established)]

    def failed(self) -> list[Failed]:
        """Failures reported, in order."""
        return [e for e in self.events if isinstance(e, Failed)]

    def count(self, reason: Drop) -> int:
        """Drops for that reason."""
        return self.drops.counts[reason]


class Pair:
    """Ends `a` and `b`, `delay` apart; `lose` decides about each datagram."""

    def __init__(self, a: End | None = None, b: End | None = None, delay: Instant = 5 * MS) -> None:
        self.a = a or End(A, node(1), 1)
        self.b = b or End(B, node(2), 2)
        self.now: Instant = 1_000 * SECOND
        self.delay = delay
        self.lose: Callable[[bytes], bool] = lambda _: False
        self.wire: list[tuple[Instant, bytes, Address, Address]] = []
        self.log: list[tuple[bytes, Address, Address]] = []
        """Every datagram sent: bytes, from, to."""

    def collect(self) -> None:
        """Take what the ends want sent, and what they report."""
        for end in (self.a, self.b):
            for data, to in end.sessions.outbox:
                self.log.append((data, end.address, to))
                if not self.lose(data):
                    self.wire.append((self.now + self.delay, data, end.address, to))
            end.sessions.outbox = []  # the owner may replace it
            end.events += end.sessions.events
            end.sessions.events.clear()  # ... or clear it

    def step(self, until: Instant) -> bool:
        """Do the next thing that happens not later than `until`; False if nothing does."""
        self.collect()
        timers = [t for e in (self.a, self.b) if (t := e.sessions.get_timer()) is not None]
        due = min([when for when, *_ in self.wire] + timers, default=until + 1)
        if due > until:
            return False
        self.now = max(self.now, due)
        arrived = [w for w in self.wire if w[0] <= self.now]
        self.wire = [w for w in self.wire if w[0] > self.now]
        for _, data, source, to in arrived:
            self.deliver(data, source, to)
        for end in (self.a, self.b):
            end.sessions.handle_timer(self.now)
        self.collect()
        return True

    def deliver(self, data: bytes, source: Address, to: Address) -> None:
        """Hand over one datagram; an INIT is answered at once."""
        end = self.a if to == self.a.address else self.b
        received = end.sessions.receive(data, source, self.now)
        if received is None:
            return
        end.got.append(received)
        session, message = received
        if session.wants_accept or (message and end.reply):
            end.sessions.seal(session, end.reply(message) if end.reply else b"", self.now)

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        until = self.now + int(seconds * SECOND)
        while self.step(until):
            pass
        self.now = until

    def open(self) -> tuple[Session, Session]:
        """Open a session from a to b and confirm it: the session on either side."""
        identity = self.b.identity
        self.a.sessions.connect(B, self.now, identity.public_key, identity.nonce)
        self.run(0.1)
        mine = self.a.sessions.find(B)
        assert mine is not None
        self.a.sessions.seal(mine, b"hello", self.now)
        self.run(0.1)
        theirs = self.b.sessions.find(A)
        assert theirs is not None
        return mine, theirs
