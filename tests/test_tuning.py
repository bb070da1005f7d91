"""What an operator may turn: ranges, and what each number changes, in virtual time."""

from functools import partial

import pytest

from dave.errors import UsageError
from dave.limits import REPLICAS
from dave.names import SECOND, place_of
from dave.node.requests import Peer
from dave.tuning import DEFAULT, RANGES, Tuning
from dave.wire.messages import Find, Ping
from sim.lean import LeanNode
from sim.world import World
from tests.node.networks import FREE, STEADY, get, holders, put
from tests.peers.test_table import contact

NOBODY = Peer(("10.9.9.9", 1424))


def network_tuned(nodes, **tuned):
    world = World(5, FREE, STEADY)
    for _ in range(nodes):
        world.add_node(make=partial(LeanNode, tuning=Tuning(**tuned)))
    world.run(20)
    return world


def test_the_defaults_are_allowed_and_every_number_has_a_range():
    DEFAULT.check()
    assert list(RANGES) == list(Tuning._fields)


@pytest.mark.parametrize("name", Tuning._fields)
def test_what_is_out_of_range_is_refused_and_the_range_is_told(name):
    least, most = RANGES[name]
    other = {"retry_ms_max": 60_000} if name == "retry_ms" else {"retry_ms": 50}
    for good in (least, most):
        Tuning(**{**other, name: good}).check()
    for bad in (least - 1, most + 1, float(least), True, "9"):
        with pytest.raises(UsageError, match=f"{name} is from {least} to {most}, not"):
            Tuning(**{name: bad}).check()


def test_a_first_wait_beyond_the_longest_is_refused():
    with pytest.raises(UsageError, match=r"retry_ms \(2000\) is at most retry_ms_max \(1000\)"):
        Tuning(retry_ms=2000).check()


def test_three_replicas_are_stored_at_the_three_nearest_and_a_quorum_is_two():
    """Or a few more, where nodes stand closer than they should: that is what a region is."""
    copies = []
    for replicas in (3, REPLICAS):
        world = network_tuned(12, replicas=replicas)
        owner, putter = world.owner(), world.nodes[0]
        total = 0
        for i in range(8):
            entry = owner.entry(b"%d" % i, b"", world.time())
            result, _ = put(world, putter, entry)
            assert result.quorum == replicas // 2 + 1
            by_distance = sorted(world.nodes, key=lambda h: h.node.id ^ place_of(entry.id))
            assert set(holders(world, entry)) >= set(by_distance[:replicas])
            assert get(world, world.nodes[5], entry.id)[0].entry == entry
            total += result.stored
        copies.append(total / 8)
    assert 3 <= copies[0] < 5
    assert copies[1] >= REPLICAS


def test_repair_brings_back_as_many_as_there_should_be():
    world = network_tuned(12, replicas=3)
    entry = world.owner().entry(b"key", b"", world.time())
    put(world, world.nodes[0], entry)
    for host in holders(world, entry)[1:]:
        world.kill(host)
    world.run(180)
    by_distance = [host for host in world.nodes if host.is_up]
    by_distance.sort(key=lambda host: host.node.id ^ place_of(entry.id))
    assert set(holders(world, entry)) >= set(by_distance[:3])


@pytest.mark.parametrize("alpha", [1, 3])
def test_alpha_is_how_many_are_asked_at_a_time(alpha):
    world = network_tuned(12, parallel=alpha)
    asker = world.nodes[0]
    under_way, most = set(), []
    ask = asker.core.ask

    def counted(peer, message, done, now, attempts=None):
        def ended(answer, now):
            under_way.discard(peer.id)
            done(answer, now)

        assert isinstance(message, Find)
        under_way.add(peer.id)
        most.append(len(under_way))
        ask(peer, message, ended, now, attempts)

    asker.core.ask = counted
    asker.core.knows_all_until = 0  # or nobody had to be asked
    number = asker.core.nearest(1 << 60, 12, world.now, world.now + 5 * SECOND)
    asker.settle()
    world.run(5)
    assert number in asker.ended
    assert max(most[:REPLICAS]) == alpha


def gave_up_after(**tuned):
    """How long a node asks somebody who is not there, and how many packets it sends."""
    world = network_tuned(1, **tuned)
    asker, started, ended = world.nodes[0], world.now, []
    before = asker.sent
    asker.core.ask(NOBODY, Ping(), lambda answer, now: ended.append(now), world.now)
    asker.settle()
    world.run(60)
    return (ended[0] - started) / SECOND, asker.sent - before


def test_fewer_packets_of_a_handshake_give_up_sooner():
    patient, hasty = gave_up_after(), gave_up_after(handshake_attempts=2)
    assert patient == (pytest.approx(6.75, abs=0.1), 8)
    assert hasty == (pytest.approx(2.0, abs=0.1), 2)


def silence_after(**tuned):
    """How long a request waits in a session whose other end has died, and how often it is sent."""
    world = network_tuned(2, **tuned)
    asker, other = world.nodes
    peer = Peer(other.address, other.core.identity.public_key, None, other.node.id)
    world.kill(other)
    started, ended, before = world.now, [], asker.sent
    asker.core.requests.ask(peer, Ping(), lambda answer, now: ended.append(now), started, None)
    asker.settle()
    world.run(0.001)
    first = asker.sent - before
    world.run(60)
    assert first == 1
    return (ended[0] - started) / SECOND


def test_a_shorter_time_out_gives_up_sooner():
    assert silence_after() == pytest.approx(3.75, abs=0.05)
    assert silence_after(retry_ms=50, retry_ms_max=50, attempts=4) == pytest.approx(0.2, abs=0.01)
    assert silence_after(attempts=1) == pytest.approx(0.25, abs=0.01)


def test_a_small_bucket_keeps_few_of_those_far_away():
    sizes = []
    for contacts in (4, 20):
        node = network_tuned(1, bucket_contacts=contacts).nodes[0].node
        far = [node.id ^ (1 << 63 | i << 40) for i in range(200)]
        near = [node.id ^ 1 << bit for bit in range(40)]
        for node_id in [*near, *far]:
            node.table.add(contact(node_id), 0)
        sizes.append(len(node.table))
    assert sizes[1] - sizes[0] == 16
