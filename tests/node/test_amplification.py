"""A node is no amplifier: to an address that proved nothing it never sends more than came from it,
at no time within a minute, whatever kind of packet that was."""

import pytest

from dave.crypto.identity import client_identity, node_identity
from dave.drops import Drops
from dave.limits import ACCEPT_OVERHEAD_BYTES, HANDSHAKES_PER_SECOND, PACKET_BYTES_MAX
from dave.session.sessions import Sessions
from dave.wire import messages
from dave.wire.messages import Find, FindAck, Get, GetMyAddrPort, Ping, Pong, Put
from dave.wire.packet import Accept, Cookie, Data, Hello, Init, PacketType
from dave.wire.watching import NOTHING_KNOWN, Notify, NotifyAck, Watch
from tests.node.helpers import Stage
from tests.node.test_handlers import fill_table

VICTIM_4 = "20.0.0.7", 5000
VICTIM_6 = "2001:db8::7", 5000
MINUTE = 60


class Balance:
    """Forges datagrams from the victim's address, and keeps the account."""

    def __init__(self, stage: Stage, victim) -> None:
        self.stage = stage
        self.victim = victim
        self.received = self.sent = self.answers = 0

    def forge(self, data: bytes) -> None:
        stage = self.stage
        self.received += len(data)
        stage.node.receive_datagram(data, self.victim, stage.now)
        self.settle()

    def settle(self) -> None:
        self.stage.sent.clear()
        self.stage.pump()
        to_victim = [len(data) for data, to in self.stage.sent if to == self.victim]
        self.sent += sum(to_victim)
        self.answers += len(to_victim)
        assert self.sent <= self.received

    def wait(self, seconds: float) -> None:
        until = self.stage.now + int(seconds * 1e9)
        while (due := self.stage.node.get_timer()) is not None and due <= until:
            self.stage.now = max(self.stage.now, due)
            self.stage.node.handle_timer(self.stage.now)
            self.settle()
        self.stage.now = until


def a_stage() -> Stage:
    """A node with much to tell: the largest entry, and a full table."""
    stage = Stage()
    stage.asker().put_now(stage.entry(b"k", bytes(1200)))
    fill_table(stage, 40)
    return stage


def init(stage: Stage, message: bytes, reply_bytes: int, is_node: bool) -> bytes:
    """A genuine INIT by someone who will never see the answer."""
    seed = stage.rng.randbytes(32)
    identity = node_identity(seed, bytes(8)) if is_node else client_identity(seed)
    sessions = Sessions(identity, stage.network, stage.rng, Drops())
    node = stage.identity
    at = "10.0.0.1", 1424
    sessions.connect(at, stage.now, node.public_key, node.nonce, message, reply_bytes)
    return sessions.outbox[0][0]


def carried(stage: Stage) -> list[bytes]:
    """Each message that an INIT may or may not carry, and some that are none."""
    entry = stage.entry(b"k", b"")
    known = [
        Ping(),
        Get(entry.id),
        Get(bytes(32)),
        Find(7),
        GetMyAddrPort(),
        Put(entry),
        Pong(1),
        FindAck(()),
        Watch(b"one.", entry.id, 60, NOTHING_KNOWN),
        Notify(b"one.", 1, entry),
        NotifyAck(watched=True),
    ]
    encoded = [messages.encode(b"abcd", message) for message in known]
    return [b"", b"\x63abcd", b"\x05abc", b"\1", *encoded]


def every_packet(stage: Stage) -> list[bytes]:
    rnd = stage.rng.randbytes
    cookie = Cookie(rnd(16), rnd(32), rnd(8), rnd(8), rnd(16), ("10.0.0.3", 1)).encode()
    junk = [rnd(size) for size in (0, 1, 2, 30, 192, 1424, 1500)]
    made = [
        Hello(rnd(16)).encode(),
        cookie,
        Accept(1, 2, rnd(100)).encode(),
        Data(1, 1, rnd(16)).encode(),
        Data(1, 1, rnd(1000)).encode(),
        Init(1, rnd(16), rnd(107)).encode(),
    ]
    inits = [
        init(stage, message, reply_bytes, is_node)
        for message in carried(stage)
        for reply_bytes in (0, ACCEPT_OVERHEAD_BYTES, 300, PACKET_BYTES_MAX)
        for is_node in (False, True)
    ]
    return junk + made + inits


def exhaust(stage: Stage) -> None:
    """So many handshakes within this second that the node asks for cookies."""
    for number in range(HANDSHAKES_PER_SECOND):
        address = f"10.50.{number}.1", 1
        stage.node.receive_datagram(init(stage, b"", 0, False), address, stage.now)
    stage.pump()


@pytest.mark.parametrize("victim", [VICTIM_4, VICTIM_6])
@pytest.mark.parametrize("cookies", [False, True], ids=["calm", "cookies"])
def test_no_packet_brings_more_than_itself(victim, cookies):
    """Each packet has an account of its own; then a minute of silence."""
    stage = a_stage()
    kinds = set()
    if cookies:
        exhaust(stage)
    for data in every_packet(stage):
        balance = Balance(stage, victim)
        balance.forge(data)
        assert balance.answers <= 1
        kinds |= {sent[1] for sent, to in stage.sent if to == victim}
    balance = Balance(stage, victim)
    balance.wait(MINUTE)
    assert balance.answers == 0
    expected = PacketType.COOKIE if cookies else PacketType.ACCEPT
    assert kinds == {PacketType.COOKIE, expected}, "some of them were answered at all"


@pytest.mark.parametrize("victim", [VICTIM_4, VICTIM_6])
def test_a_minute_of_everything_brings_no_more_than_itself(victim):
    stage = a_stage()
    packets = every_packet(stage)
    balance = Balance(stage, victim)
    for number in range(1200):
        if number % 100 == 0:
            exhaust(stage)
        balance.forge(packets[stage.rng.randrange(len(packets))])
        balance.wait(0.05)
    balance.wait(MINUTE)
    assert 20 < balance.answers < 1200
    assert 0 < balance.sent <= balance.received


def test_an_init_replayed_from_elsewhere_brings_nothing():
    stage = a_stage()
    data = init(stage, messages.encode(b"abcd", Find(7)), PACKET_BYTES_MAX, True)
    owner = Balance(stage, ("20.0.1.1", 1))
    owner.forge(data)
    assert owner.answers == 1
    balance = Balance(stage, VICTIM_4)
    for _ in range(20):
        balance.forge(data)
        balance.wait(1)
    balance.wait(MINUTE)
    assert balance.answers == 0


def test_data_replayed_from_elsewhere_brings_nothing():
    stage = a_stage()
    asker = stage.asker()
    session = asker.open()
    asker.sessions.seal(session, messages.encode(b"abcd", Find(7)), stage.now)
    data = asker.sessions.outbox.pop()[0]
    balance = Balance(stage, VICTIM_4)
    balance.forge(data)
    balance.wait(MINUTE)
    assert balance.answers == 0
