"""Nodes that came to us enter once others have reached them; whom we dial for others."""

from random import Random

from dave.crypto.identity import node_identity
from dave.drops import Drop
from dave.limits import DIALS_OUT_MAX, NEWCOMER_TRIES, NEWCOMERS_MAX, STRANGER_SECONDS
from dave.names import SECOND
from dave.node.newcomers import _Newcomer
from dave.node.requests import Answer
from dave.peers.contact import Contact
from dave.session.session import FailReason
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire import messages
from dave.wire.messages import Dial, DialAck, WireContact
from tests.node.helpers import FREE, Stage
from tests.node.replica_helpers import Replica

STEADY = Link(delay_ms=10, jitter_ms=0)


def network_of(nodes, seed=6, **options):
    world = World(seed, FREE, STEADY, is_public=True)
    world.add_nodes(nodes, **options)
    world.run(30)
    return world


def knowers(world, host):
    """Nodes that have it in their table."""
    address = host.address
    return sum(address in [c.address for c in other.node.table] for other in world.nodes)


def told(seed=0, host="20.9.9.9"):
    identity = node_identity(Random(100 + seed).randbytes(32), bytes(8))
    return WireContact(identity.public_key, bytes(8), (host, 1424))


def public_stage():
    stage = Stage()
    stage.node.at_home = False
    stage.node.reach.own.told(("20.1.1.1", 1), ("20.1.1.2", 1))
    return stage


# --- Who enters ------------------------------------------------------------------------------


def test_public_nodes_know_each_other():
    world = network_of(12)
    assert [knowers(world, host) for host in world.nodes] == [11] * 12
    assert all(len(host.node.newcomers) == 0 for host in world.nodes)


def test_a_node_behind_a_nat_enters_no_table():
    world = network_of(8)
    hidden = world.add_nodes(3, is_natted=True)
    for _ in range(30):
        world.run(10)
        assert [knowers(world, host) for host in hidden] == [0, 0, 0]
    assert all(len(host.node.table) >= 8 for host in hidden), "but it knows the others"


def test_of_the_first_two_each_is_dialled_by_the_other_also_if_one_is_hidden():
    world = World(6, FREE, STEADY, is_public=True)
    first = world.add_node()
    hidden, public = world.add_node(is_natted=True), world.add_node()
    world.run(60)
    assert [c.address for c in first.node.table] == [public.address]
    assert knowers(world, hidden) == 0


def test_where_nobody_can_be_asked_our_own_probe_is_enough():
    world = network_of(2)
    assert [len(host.node.table) for host in world.nodes] == [1, 1]


def test_a_node_on_its_way_in_takes_nobody_on_trust():
    world = network_of(4)
    late = world.add_node()
    world.run(0.045)  # it has answered HELLO and INIT, and knows nobody yet
    hidden = world.add_node([late], is_natted=True)
    world.run(60)
    assert knowers(world, hidden) == 0
    assert knowers(world, late) == 5, "it takes part, and the hidden one knows it too"


def test_who_turns_client_leaves_the_table():
    world = network_of(5)
    one, two = world.nodes[:2]
    assert one.node.table.get(two.node.id) is not None
    two.node.sessions.go_as(is_node=False)
    two.node.sessions.forget(one.address)
    two.get(bytes(32))
    world.run(2)
    assert one.node.table.get(two.node.id) is None


def test_a_contact_that_came_back_needs_nobodys_word():
    world = network_of(6)
    one, two = world.nodes[:2]
    contact = one.node.table.get(two.node.id)
    one.node.table.remove(contact.id)
    assert one.node.newcomers.is_proven(contact, world.now)
    moved = contact._replace(address=("20.7.7.7", 1))
    one.node.newcomers.came(one.node.sessions.find(contact.address), world.now)
    assert not one.node.newcomers.is_proven(moved, world.now)


def test_those_who_wait_are_bounded():
    stage = public_stage()
    stage.node.table.add(Contact(*told(host="20.3.3.3"), 5), stage.now)
    newcomers = stage.node.newcomers
    for i in range(NEWCOMERS_MAX + 20):
        contact = Contact(
            b"%032d" % i, bytes(8), (f"20.{50 + i // 250}.{i % 250}.1", 1), 1 << i % 60
        )
        newcomers._came[contact.public_key] = stage.now
        newcomers._wait_for(contact._replace(id=1000 + i), stage.now)
        assert newcomers._dials_out <= DIALS_OUT_MAX
    assert len(newcomers) == NEWCOMERS_MAX


def test_nobody_waits_for_ever():
    world = network_of(4)
    hidden = world.add_node(is_natted=True)
    world.run(5)
    assert sum(len(host.node.newcomers) for host in world.nodes) >= 1
    world.run(2 ** (NEWCOMER_TRIES + 1))
    assert sum(len(host.node.newcomers) for host in world.nodes) == 0
    assert knowers(world, hidden) == 0


# --- Dialling for others ---------------------------------------------------------------------


def test_dial_says_whether_a_node_is_reached():
    world = network_of(5)
    one, two, three = world.nodes[:3]
    hidden = world.add_node(is_natted=True)
    world.run(30)
    answers = {}
    for name, host in (("public", two), ("hidden", hidden)):
        identity = host.node.identity
        contact = WireContact(identity.public_key, identity.nonce, host.address)
        one.node.ask(
            one.node.peers_near(three.node.id, 1)[0], Dial(contact),
            lambda answer, now, name=name: answers.update({name: answer.reply}), world.now,
        )  # fmt: skip
    one.settle()
    world.run(5)
    assert answers == {"public": DialAck(True), "hidden": DialAck(False)}


def test_whoever_asks_a_host_gets_one_packet_a_minute():
    stage = public_stage()
    askers = [stage.asker() for _ in range(5)]
    for asker in askers:
        asker.open()
    stage.sent.clear()
    requests = []
    for i in range(30):
        asker = askers[i % 5]
        requests.append((asker, asker.send(Dial(told(seed=i % 3)))))
        stage.run(0.1)
    to_victim = [data for data, to in stage.sent if to[0] == "20.9.9.9"]
    assert len(to_victim) == 1
    stage.run(5)
    assert {asker.replies[request] for asker, request in requests} == {DialAck(False)}
    stage.run(STRANGER_SECONDS)
    askers[0].send(Dial(told(seed=7)))
    assert len([data for data, to in stage.sent if to[0] == "20.9.9.9"]) == 2


def test_few_are_dialled_for_others_at_a_time():
    stage = public_stage()
    asker = stage.asker()
    asker.open()
    requests = [asker.send(Dial(told(i, f"20.9.{i}.9"))) for i in range(2 * DIALS_OUT_MAX)]
    refused = [request for request in requests if asker.replies.get(request) == DialAck(False)]
    assert len(refused) == DIALS_OUT_MAX
    stage.run(3)
    assert set(asker.replies.values()) == {DialAck(False)}


def test_a_request_sent_again_waits_for_the_same_answer():
    stage = public_stage()
    asker = stage.asker()
    asker.open()
    data = messages.encode(b"abcd", Dial(told()))
    for _ in range(4):
        asker.send_bytes(data)
    stage.run(3)
    assert asker.replies == {b"abcd": DialAck(False)}, "one answer"


def test_what_is_no_address_here_is_not_dialled():
    stage = public_stage()
    asker = stage.asker()
    asker.open()
    stage.sent.clear()
    for host in ("10.0.0.77", "127.0.0.1", "224.0.0.1", "0.0.0.0"):
        assert asker.ask(Dial(told(host=host))) == DialAck(False)
    assert {to for _, to in stage.sent} == {asker.address}


def test_an_init_makes_us_dial_nobody():
    stage = public_stage()
    asker = stage.asker()
    asker.open(messages.encode(b"abcd", Dial(told())), 100)
    assert asker.accepted == [b""]
    assert stage.node.drops.counts[Drop.NOT_IN_INIT] == 1
    assert {to for _, to in stage.sent} == {asker.address}


def test_a_witness_is_rather_of_another_subnet():
    world = network_of(6)
    node = world.nodes[0].node
    newcomer = told(host="20.0.3.77")
    contact = Contact(*newcomer, 77)
    node.newcomers._came[contact.public_key] = world.now
    asked, ask = [], node.ask

    def watch(peer, message, *rest):
        if isinstance(message, Dial):
            asked.append(peer.address[0])
        ask(peer, message, *rest)

    node.ask = watch
    for i in range(20):
        each = contact._replace(public_key=b"%032d" % i, id=1000 + i)
        node.newcomers._came[each.public_key] = world.now
        node.newcomers._wait_for(each, world.now)
    assert len(asked) == DIALS_OUT_MAX
    assert "20.0.3.1" not in asked
    assert len(set(asked)) > 1
    assert world.now > SECOND


def test_many_who_wait_while_no_request_can_go_out_do_not_recurse():
    stage = public_stage()
    newcomers, node = stage.node.newcomers, stage.node
    node.table.add(Contact(*told(host="20.3.3.3"), 5), stage.now)
    failed = Answer(None, None, 0, FailReason.FULL)
    node.ask = lambda peer, message, done, now, attempts=1: done(failed, now)
    contacts = [
        Contact(*told(i, f"20.4.{i >> 8}.{i & 255}"), 100 + i) for i in range(NEWCOMERS_MAX)
    ]
    for contact in contacts:
        newcomers._waiting[contact.id] = _Newcomer(contact)
        newcomers._queue.append(contact.id)
    newcomers._pump(stage.now)
    assert not newcomers._queue


def test_who_asks_to_be_dialled_again_and_again_is_pinged_once_at_a_time():
    stage = public_stage()
    peer = Replica(stage)
    session = stage.node.sessions.find(peer.address)
    stage.node.table.at_home = True  # where the helper's address may stand
    stage.node.table.add(peer.contact, stage.now)
    pings = []
    stage.node.ask = lambda peer, message, done, now, attempts=1: pings.append(peer)
    for _ in range(100):
        stage.node.newcomers.asks_to_be_dialled(session, stage.now)
    assert len(pings) == 1


def test_who_moved_while_it_was_being_reached_is_reached_where_it_is_now():
    world = World(6, FREE, STEADY)
    one, two = world.add_nodes(2)
    world.run(30)
    now_at = one.node.table.get(two.node.id)
    one.node.table.remove(now_at.id)
    was_at = now_at._replace(address=("10.77.77.77", 1))
    newcomers = one.node.newcomers
    newcomers.verify(was_at, world.now)
    one.node.settle(world.now)
    assert len(newcomers) == 1
    newcomers.verify(now_at, world.now)
    one.node.settle(world.now)
    world.run(1)
    assert one.node.table.get(now_at.id) == now_at
    world.run(60)
    assert one.node.table.get(now_at.id) == now_at
    assert (len(newcomers), newcomers._is_founding) == (0, False)
