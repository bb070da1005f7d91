"""Whatever arrives, a node neither falls over nor grows: random bytes, damaged packets, and whole
packets from insiders whose messages are nonsense."""

from random import Random

import pytest

from dave.crypto.identity import client_identity, node_identity
from dave.drops import Drops
from dave.limits import (
    ACCEPT_OVERHEAD_BYTES,
    CONTACTS_MAX,
    EPHEMERAL_KEYS_KEPT,
    HANDSHAKES_PENDING_MAX,
    PACKET_BYTES_MAX,
    PENDING_PUTS_MAX,
    REQUESTS_IN_FLIGHT_MAX,
    SESSION_PROVISIONAL_MAX,
    SESSIONS_MAX,
)
from dave.names import MS
from dave.node.limits import WATCHES_MAX
from dave.session.sessions import Sessions
from dave.wire import messages
from dave.wire.messages import Find, FindAck, Get, GetMyAddrPort, Ping, Pong, Put, PutAck
from dave.wire.packet import Accept, Cookie, Data, Hello, Init
from dave.wire.status import PutStatus
from dave.wire.watching import Notify, NotifyAck, Watch
from tests.node.helpers import NODE, PAID, Stage

MANY = 30_000
TRULY_MANY = 1_000_000


class Attacker:
    """Makes datagrams. It has sessions too: as a client, and as a node."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.rng = Random(seed)
        self.insiders = [self._insider(is_node) for is_node in (False, True)]
        entry = stage.entry()
        self.messages = [
            messages.encode(b"abcd", message)
            for message in (
                Ping(),
                Pong(1),
                Get(entry.id),
                Find(5),
                FindAck(()),
                GetMyAddrPort(),
                Put(entry),
                Put(entry, 0),
                PutAck(PutStatus.STALE, 0, entry),
                Watch(b"one.", entry.id, 60, bytes(32)),
                Watch(b"two.", entry.id, 0, bytes(32)),
                Notify(b"one.", 1, entry),
                NotifyAck(watched=True),
            )
        ]
        rnd = self.rng.randbytes
        self.packets = [
            Hello(rnd(16)).encode(),
            Cookie(rnd(16), rnd(32), rnd(8), rnd(8), rnd(16), ("10.0.0.3", 1)).encode(),
            Init(1, rnd(16), rnd(300)).encode(),
            Accept(1, 2, rnd(100)).encode(),
            Data(1, 1, rnd(100)).encode(),
        ] * 2

    def _insider(self, is_node: bool):
        seed = self.rng.randbytes(32)
        identity = node_identity(seed, bytes(8)) if is_node else client_identity(seed)
        return Sessions(identity, self.stage.network, self.rng, Drops()), self.address()

    def address(self):
        rng = self.rng
        return f"10.{rng.randrange(200)}.{rng.randrange(256)}.1", 1 + rng.randrange(65_535)

    def damaged(self, data: bytes) -> bytes:
        rng, changed = self.rng, bytearray(data)
        for _ in range(rng.randrange(3)):
            if changed:
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        if rng.randrange(4) == 0:
            del changed[rng.randrange(len(changed) + 1) :]
        if rng.randrange(4) == 0:
            changed += rng.randbytes(rng.randrange(40))
        return bytes(changed)

    def message(self) -> bytes:
        rng = self.rng
        if rng.randrange(4) == 0:
            return bytes((rng.randrange(22),)) + rng.randbytes(rng.randrange(300))
        return self.damaged(rng.choice(self.messages))

    def step(self) -> None:
        """One datagram to the node, and its answers to whom they concern."""
        rng, stage = self.rng, self.stage
        kind = rng.randrange(10)
        address = self.address()
        if kind < 3:
            data = rng.randbytes(rng.randrange(PACKET_BYTES_MAX + 50))
            if kind == 0 and len(data) > 1:
                data = bytes((1, 1 + rng.randrange(5))) + data[2:]
        elif kind < 6:
            data = self.damaged(rng.choice(self.packets))
        else:
            data, address = self._from_inside()
        stage.node.receive_datagram(data, address, stage.now)
        for sent, to in stage.node.datagrams_to_send():
            for sessions, at in self.insiders:
                if at == to:
                    sessions.receive(sent, NODE, stage.now)
                    self.packets[5 + rng.randrange(5)] = sent
        for effect in stage.node.take_effects():
            if hasattr(effect, "owner"):
                stage.node.verified(effect.ticket, rng.randrange(2) == 0, stage.now)
            elif hasattr(effect, "record"):
                stage.node.appended(effect.ticket, True, stage.now)

    def _from_inside(self):
        """A sealed message, or an INIT that carries one; at times damaged, at times sent twice."""
        rng, stage = self.rng, self.stage
        number = rng.randrange(2)
        sessions, address = self.insiders[number]
        if rng.randrange(200) == 0:  # a stranger again
            sessions, address = self.insiders[number] = self._insider(bool(number))
        session = sessions.find(NODE)
        if session is None or rng.randrange(8) == 0:
            node = stage.identity
            sessions.forget(NODE)
            room = rng.randrange(PACKET_BYTES_MAX - ACCEPT_OVERHEAD_BYTES) + ACCEPT_OVERHEAD_BYTES
            carried = self.message()[:400]
            sessions.connect(NODE, stage.now, node.public_key, node.nonce, carried, room)
        else:
            sessions.seal(session, self.message(), stage.now)
        data = sessions.outbox[0][0]
        sessions.outbox = []
        if rng.randrange(4) == 0:
            stage.node.receive_datagram(data, address, stage.now)
        return (self.damaged(data) if rng.randrange(4) == 0 else data), address


def assault(count: int, seed: int) -> Stage:
    """`count` datagrams within virtual time, as fast as the budget for handshakes is passed."""
    stage = Stage(PAID, seed)
    attacker = Attacker(stage, seed)
    for number in range(count):
        stage.now += attacker.rng.randrange(2 * MS)
        attacker.step()
        if (due := stage.node.get_timer()) is not None and due <= stage.now:
            stage.node.handle_timer(stage.now)
        if number % 1000 == 0:
            check_bounds(stage)
    return stage


def check_bounds(stage: Stage) -> None:
    node = stage.node
    sessions = node.sessions
    assert len(sessions) <= SESSIONS_MAX
    assert len(sessions._table.provisional) <= SESSION_PROVISIONAL_MAX
    assert len(sessions._responder._ephemerals) <= EPHEMERAL_KEYS_KEPT
    assert len(sessions._initiator) <= HANDSHAKES_PENDING_MAX
    assert len(node.requests) <= REQUESTS_IN_FLIGHT_MAX
    assert len(node.table) <= CONTACTS_MAX
    assert len(node.puts) <= PENDING_PUTS_MAX
    assert len(node.timers) < 20_000
    assert len(node.leases) <= WATCHES_MAX


def check_survival(stage: Stage) -> None:
    """It still serves, everybody was heard, and after a while nothing of it all is left."""
    node = stage.node
    counts = node.drops.by_name()
    missing = {"size", "version", "type", "no_session", "handshake", "wire", "aead", "cookie",
               "not_in_init", "no_request", "ephemeral"} - set(counts)  # fmt: skip
    assert not missing, "the assault did not reach these checks"
    assert stage.asker().put_now(stage.entry(b"new")).status is PutStatus.STORED
    stage.run(1000)
    assert len(node.sessions) == len(node.sessions._table.provisional) == 0
    assert len(node.requests) == len(node.puts) == len(node.sessions._initiator) == 0
    assert len(node.leases) == len(node.leases._queue) == 0
    assert len(node.timers) <= 4, "join, probe, expiry and repair"


@pytest.mark.parametrize("seed", [1, 2])
def test_random_and_damaged_datagrams(seed):
    stage = assault(MANY // 2, seed)
    check_survival(stage)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_a_million_random_and_damaged_datagrams(part):
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # pytest shows it if the test fails
    check_survival(assault(TRULY_MANY // 4, seed))
