"""What client and node have in common: datagrams, alarms, and whom first packets go to."""

from random import Random

import pytest

from dave.crypto.identity import client_identity, node_identity
from dave.drops import Drop
from dave.limits import CONTACT_FAILURES_MAX, HANDSHAKE_ATTEMPTS, RATE_PER_SECOND
from dave.names import SECOND
from dave.node.core import Core, peer_of
from dave.node.requests import Peer
from dave.peers.contact import Contact
from dave.session.session import FailReason
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire.messages import Ping, WireContact
from dave.wire.packet import Hello
from tests.node.helpers import FREE, PAID, START, Stage

STRANGER = "20.9.9.9", 1424


def a_core(net=FREE, edges=()):
    return Core(client_identity(bytes(32)), net, Random(1), edges)


def stranger(address=STRANGER, seed=1):
    """A node that only others know of."""
    identity = node_identity(Random(seed).randbytes(32), bytes(8))
    return Peer(address, identity.public_key, bytes(8), identity.id)


def ask(core, peer, now):
    answers = []
    core.ask(peer, Ping(), lambda answer, now: answers.append(answer.failure), now)
    return answers


def run_until(core, until):
    while (due := core.get_timer()) is not None and due <= until:
        core.handle_timer(due)


def test_what_is_to_be_sent_and_done_is_returned_once():
    core = a_core()
    ask(core, Peer(STRANGER), START)
    assert len(core.datagrams_to_send()) == 1
    assert core.datagrams_to_send() == []
    core.resolve(1, "done")
    assert [effect.result for effect in core.take_effects()] == ["done"]
    assert core.take_effects() == []


def test_the_alarm_is_the_first_of_all_and_none_without_a_reason():
    core = a_core()
    assert core.get_timer() is None
    core.timers.set(START + 10 * SECOND, 0, b"nothing")
    assert core.get_timer() == START + 10 * SECOND
    ask(core, Peer(STRANGER), START)
    assert core.get_timer() < START + SECOND, "the handshake's retry"
    run_until(core, START + 60 * SECOND)
    assert core.get_timer() is None


def test_datagrams_of_no_size_or_kind_are_counted():
    core = a_core()
    for data in (b"", b"\1", b"\1\1", bytes(30), bytes(2000), b"\2\5" + bytes(40)):
        core.receive_datagram(data, STRANGER, START)
    assert sum(core.drops.counts) == 6


def test_a_subnet_may_send_so_much_without_a_session():
    core = a_core()
    hello = Hello(bytes(16)).encode()
    for port in range(1000):
        core.receive_datagram(hello, ("20.1.1.7", port), START)
    assert core.drops.counts[Drop.RATE] == 1000 - 2 * RATE_PER_SECOND
    core.receive_datagram(hello, ("20.1.2.7", 1), START)
    assert core.drops.counts[Drop.RATE] == 1000 - 2 * RATE_PER_SECOND
    core.receive_datagram(hello, ("20.1.1.7", 1), START + SECOND)
    assert core.drops.counts[Drop.RATE] == 1000 - 2 * RATE_PER_SECOND


def test_data_in_a_session_is_not_held_to_that():
    world = World(1, FREE, Link(delay_ms=1, jitter_ms=0))
    node, client = world.add_node(), world.add_client()
    world.run_until_resolved(client.get(bytes(32)))
    for _ in range(3 * RATE_PER_SECOND):
        client.get(bytes(32))
    world.run(1)
    assert node.dropped(Drop.RATE) == 0


def test_a_stranger_gets_one_packet_a_minute_from_a_public_host():
    core = a_core()
    first = ask(core, stranger(), START)
    assert ask(core, stranger((STRANGER[0], 99), 2), START) == [FailReason.FULL]
    assert first == []
    run_until(core, START + 30 * SECOND)
    assert first == [FailReason.NO_ANSWER]
    assert len(core.datagrams_to_send()) == 1
    assert ask(core, stranger(), START + 30 * SECOND) == [FailReason.FULL]
    again = ask(core, stranger(), START + 61 * SECOND)
    assert (again, len(core.datagrams_to_send())) == ([], 1)


def test_who_asks_a_stranger_while_a_handshake_is_under_way_joins_it():
    core = a_core()
    answers = [ask(core, stranger(), START) for _ in range(3)]
    assert answers == [[], [], []]
    assert len(core.datagrams_to_send()) == 1
    run_until(core, START + 30 * SECOND)
    assert answers == [[FailReason.NO_ANSWER]] * 3


def test_an_edge_is_no_stranger_nor_is_a_private_address_to_a_host_at_home():
    core = a_core()
    ask(core, Peer(STRANGER), START)
    run_until(core, START + 30 * SECOND)
    assert len(core.datagrams_to_send()) == HANDSHAKE_ATTEMPTS
    core = a_core()
    core.at_home = True
    ask(core, stranger(("10.0.0.9", 1)), START)
    run_until(core, START + 30 * SECOND)
    assert len(core.datagrams_to_send()) == HANDSHAKE_ATTEMPTS


def test_a_contact_that_fails_leaves_the_table_but_not_for_our_own_lack_of_room():
    core = a_core()
    peer = stranger()
    contact = Contact(peer.public_key, bytes(8), peer.address, peer.id)
    core.table.add(contact, START)
    assert core.peers_near(0) == [peer_of(contact)]
    core.requests._in_flight = {n.to_bytes(4, "big"): None for n in range(5000)}
    for _ in range(9):
        assert ask(core, peer, START) == [FailReason.FULL]
    assert len(core.table) == 1
    core.requests._in_flight.clear()
    for n in range(CONTACT_FAILURES_MAX):
        ask(core, peer, START + 100 * n * SECOND)
        assert len(core.table) == 1
        run_until(core, START + 100 * (n + 1) * SECOND)
    assert len(core.table) == 0


def test_edges_are_asked_while_nobody_is_known():
    edge = Peer(STRANGER)
    assert a_core(edges=[edge]).peers_near(7) == [edge]


def test_a_contact_told_of_is_checked():
    core = a_core(PAID._replace(node_work_bits=64))
    told = WireContact(bytes(range(32)), bytes(8), STRANGER)
    assert core.learn(told) is None
    assert core.drops.counts[Drop.NODE_WORK] == 1
    core = a_core()
    assert core.learn(told).address == STRANGER
    assert core.learn(told._replace(public_key=core.identity.public_key)) is None


def test_the_wall_clock_is_the_monotonic_one_and_an_offset():
    core = a_core()
    core.wall_offset_ms = 5000
    assert core.unix_ms(3 * SECOND) == 8000


@pytest.mark.parametrize(
    "address",
    [
        ("0.0.0.0", 1), ("255.255.255.255", 1), ("224.0.0.1", 1), ("ff02::1", 1), ("::", 1),
        ("198.51.100.1", 0), ("127.0.0.1", 1), ("192.168.1.1", 1), ("fe80::1", 1),
    ],
)  # fmt: skip
def test_contacts_whose_address_is_nobodys_are_not_taken(address):
    core = Stage().node
    told = WireContact(b"k" * 32, bytes(8), address)
    core.at_home = False
    assert core.learn(told) is None
    assert core.drops.by_name() == {"bad_contact": 1}
    assert core.learn(told._replace(address=("198.51.100.1", 1))) is not None


def test_at_home_private_addresses_are_taken():
    core = Stage().node
    core.at_home = True
    assert core.learn(WireContact(b"k" * 32, bytes(8), ("127.0.0.1", 1))) is not None
    assert core.learn(WireContact(b"k" * 32, bytes(8), ("224.0.0.1", 1))) is None


def test_at_home_holds_for_strangers_and_table_and_a_rate_table_may_be_small():
    class Small(Core):
        rate_slots = 16

    core = Small(client_identity(bytes(32)), FREE, Random(1))
    assert len(core.limiter._full) == 16
    core.at_home = True
    assert (core.at_home, core.strangers.at_home, core.table.at_home) == (True, True, True)
