"""Clocks, gaps and pulls between simulated nodes."""

import pytest

from dave.drops import Drop
from dave.limits import REPLICAS, SYNC_NAMES_MAX
from dave.names import SECOND
from dave.node.limits import SYNC_PULL_SECONDS_MAX, SYNC_STALL_SECONDS
from dave.node.syncs import EMPTY_UPTO
from dave.testing.world import World
from dave.wire import sync
from sim.scenarios.sync import moved
from tests.node.networks import FREE, STEADY

SETTLE = 120
"""Seconds after which nothing is left to be said."""


class Net:
    """A few nodes that all hold everything."""

    def __init__(self, nodes=3, seed=5, **options):
        self.world = world = World(seed, FREE, STEADY)
        for _ in range(nodes):
            world.add_node(**options)
        world.run(5)
        self.owner = world.owner()
        self.client = world.add_client()
        self.count = 0

    def put(self, count=1, client=None, size=50):
        made = []
        for _ in range(count):
            self.count += 1
            value = self.world.rng.randbytes(size)
            made.append(self.owner.entry(b"%d" % self.count, value, self.world.time(), 86_400))
        for start in range(0, count, 50):
            puts = [(client or self.client).put(entry) for entry in made[start : start + 50]]
            self.world.run_until_resolved(*[self.world.settled(put) for put in puts])
        return made

    def clock(self, host, of):
        clock = host.node.clocks.get(of.node.identity.public_key)
        return None if clock is None else clock.sequence

    def holds(self, host, entries):
        return sum(host.node.own(entry.id, self.world.now) == entry for entry in entries)

    def pulls(self):
        return sum(host.node.syncs.pulls for host in self.world.nodes)


def test_nodes_that_meet_with_empty_journals_pull_nothing():
    net = Net(4)
    net.world.run(SETTLE)
    assert net.pulls() == 0
    assert net.world.pipes.made == 0
    first, second = net.world.nodes[:2]
    assert net.clock(first, second) == EMPTY_UPTO


def test_what_is_announced_moves_the_clocks_and_nothing_is_pulled():
    net = Net()
    net.world.run(SETTLE)
    entries = net.put(100)
    net.world.run(SETTLE)
    net.put(1)  # what is covered by promises alone is told by the next announcement
    net.world.run(SETTLE)
    assert all(net.holds(host, entries) == 100 for host in net.world.nodes)
    assert net.pulls() == 0
    assert net.world.pipes.made == 0


def test_a_network_at_rest_syncs_nothing():
    net = Net()
    net.put(50)
    net.world.run(3 * SETTLE)
    pulls, made = net.pulls(), net.world.pipes.made
    sent = [host.sent for host in net.world.nodes]
    net.world.run(600)
    assert (net.pulls(), net.world.pipes.made) == (pulls, made)
    packets = sum(host.sent for host in net.world.nodes) - sum(sent)
    assert packets < 0.3 * 600 * len(net.world.nodes), "as many as without any entries"


def missed(net, count=30, size=50):
    """One node misses some entries; then it is back, with its disk."""
    host = net.world.nodes[-1]
    net.put(10)
    net.world.run(SETTLE)
    net.world.kill(host)
    net.world.run(30)
    entries = net.put(count, size=size)
    net.world.run(30)
    before = moved(net.world), net.world.pipes.carried
    net.world.restart(host)
    return host, entries, before


def test_exactly_what_was_missed_is_pulled():
    net = Net()
    host, entries, _ = missed(net, 30)
    assert net.holds(host, entries) == 0
    net.world.run(SETTLE)
    assert net.holds(host, entries) == 30
    assert host.node.syncs.pulled == 30, "of no neighbour what another one has sent"


def test_what_was_pulled_is_promised_both_ways():
    net = Net(2)
    host, entries, _ = missed(net, 5)
    other = net.world.nodes[0]
    net.world.run(SETTLE)
    for one, two in ((host, other), (other, host)):
        assert all(one.node.promises.has(two.node.id, entry.id) for entry in entries)


def test_clocks_that_were_kept_spare_the_names_of_what_was_there():
    net = Net(2)
    other, host = net.world.nodes
    net.put(100)
    net.world.run(SETTLE)
    net.put(1)
    net.world.run(SETTLE)
    kept, at = host.node.clocks.all(), net.clock(host, other)
    net.world.kill(host)
    net.world.run(60)
    entries = net.put(5)
    net.world.run(30)
    net.world.restart(host)
    host.node.clocks.restore(kept)
    before = net.world.pipes.carried
    net.world.run(SETTLE)
    assert net.clock(host, other) > at
    assert net.holds(host, entries) == 5
    assert host.node.syncs.pulled == 5
    names = 20 * (100 + 1)
    assert net.world.pipes.carried - before < names + 5 * len(entries[0].data), "not those again"


def test_a_pull_that_is_cut_goes_on_where_it_stopped():
    net = Net(2, capacity=1 << 26)
    host, entries, _ = missed(net, 600, size=1000)
    world, cuts = net.world, 0
    while net.holds(host, entries) < 600:
        world.run(0.02)
        if host.node.syncs.pulls == 0 and 25 * cuts < net.holds(host, entries) and cuts < 9:
            cuts += world.pipes.cut(host)
    assert cuts >= 3
    assert host.node.syncs.pulled < 600 + 40 * (cuts + 1)
    world.run(SETTLE)
    assert net.clock(host, world.nodes[0]) >= world.nodes[0].node.puts.committed - 1


def test_a_process_that_dies_in_the_middle_of_a_pull_goes_on_from_its_clocks():
    net = Net(2, capacity=1 << 26)
    host, entries, _ = missed(net, 400, size=1000)
    while net.holds(host, entries) < 100:
        net.world.run(0.02)
    kept, pending = host.node.clocks.all(), host.node.syncs.pending()
    assert len(pending) == 1
    net.world.kill(host)
    net.world.run(1)
    net.world.restart(host)
    host.node.clocks.restore(kept)
    host.node.syncs.restore(pending, net.world.now)
    had = net.holds(host, entries)
    assert 0 < had < 400
    net.world.run(SETTLE)
    assert net.holds(host, entries) == 400
    assert host.node.syncs.pulled <= 400 - had + 40


def test_more_names_than_one_stream_brings_come_in_rounds():
    net = Net(2, capacity=1 << 26)
    count = SYNC_NAMES_MAX + 50
    host, entries, _ = missed(net, count)
    net.world.run(SETTLE)
    assert net.holds(host, entries) == count
    assert host.node.syncs.pulls >= 1


def test_a_new_journal_drops_the_old_clock():
    net = Net(2)
    net.put(20)
    net.world.run(SETTLE)
    host, other = net.world.nodes
    old = other.node.clocks.get(host.node.identity.public_key)
    net.world.kill(host)
    host.disk.__init__(net.world.rng)
    net.world.run(10)
    net.world.restart(host)
    net.world.run(SETTLE)
    assert len(host.node.store) == 20, "it has all back"
    net.put(1)
    net.world.run(SETTLE)
    new = other.node.clocks.get(host.node.identity.public_key)
    assert new.journal_id == host.disk.journal_id != old.journal_id


def test_nobody_pulls_while_the_disk_fails():
    net = Net(2)
    host, entries, _ = missed(net, 5)
    host.disk.fails = True
    net.world.run(SETTLE)
    assert net.holds(host, entries) <= 5
    assert host.node.puts.is_read_only
    assert net.clock(host, net.world.nodes[0]) < net.world.nodes[0].node.puts.committed


def test_forged_entries_are_not_stored_and_end_the_pull():
    net = Net(2)
    host, entries, _ = missed(net, 3)
    other = net.world.nodes[0].node
    shard = other.store._shard(entries[1].id)
    held = shard.entries[entries[1].id]
    forged = bytearray(held[3])
    forged[-1] ^= 1
    shard.entries[entries[1].id] = (*held[:3], bytes(forged))
    at = net.clock(host, net.world.nodes[0])
    net.world.run(60)
    assert host.dropped(Drop.SYNC) >= 1
    assert not net.holds(host, entries[1:2])
    assert net.clock(host, net.world.nodes[0]) <= max(at or 0, other.puts.committed - 1)


@pytest.mark.parametrize("skew_ms", [-120_000, 120_000])
def test_wall_clocks_need_not_be_right(skew_ms):
    net = Net(2)
    net.world.add_node(skew_ms=skew_ms)
    host, entries, _ = missed(net)
    net.world.run(SETTLE)
    assert net.holds(host, entries) == 30


def test_what_is_from_the_future_holds_the_clock_back():
    net = Net(2)
    net.world.add_node(skew_ms=-400_000)
    host, entries, _ = missed(net, 3)
    net.world.run(60)
    other = net.world.nodes[0]
    assert net.holds(host, entries) == 0
    assert net.clock(host, other) < other.node.puts.committed
    host.node.wall_offset_ms += 400_000
    net.world.run(5 * SETTLE)
    assert net.holds(host, entries) == 3


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_dead_node_held_does_not_wait_for_a_new_network_to_settle(seed):
    net = Net(14, seed)
    entries = net.put(60)
    for host in net.world.nodes[3:6]:
        net.world.kill(host)
    net.world.run(30)
    alive = [host for host in net.world.nodes if host.is_up]
    copies = [sum(host.node.own(e.id, net.world.now) == e for host in alive) for e in entries]
    assert min(copies) >= REPLICAS


def test_repair_waits_for_pulls_that_run_and_not_for_those_that_wait():
    net = Net(2)
    one, other = net.world.nodes
    syncs, now = one.node.syncs, net.world.now
    syncs._gap(syncs._peer(other.node.id), other.node.id, EMPTY_UPTO + 9, now)
    assert syncs.is_pulling(other.node.id, is_new=True)
    assert not syncs.is_pulling(other.node.id, is_new=False)
    contact = one.node.table.get(other.node.id)
    syncs._start(contact, syncs.clocks.get(contact.public_key), EMPTY_UPTO + 9, now)
    assert syncs.is_pulling(other.node.id, is_new=False)


def test_who_lets_a_pull_trickle_keeps_nobody_else_from_being_heard(monkeypatch):
    net = Net(2)
    host, _, _ = missed(net, 3)
    other, opened = net.world.nodes[0].node, []

    class Line:
        is_cancelled = False

        def consumed(self, count):
            pass

        def cancel(self):
            self.is_cancelled = True

    def open_line(peer, request, sink, now):
        opened.append((Line(), sink, sync.read_request(request)))
        return opened[-1][0]

    monkeypatch.setattr(host.node.streams, "open", open_line)
    while not opened:
        net.world.run(1)
    line, sink, asked = opened[0]
    began, at = net.world.now, asked.since
    while not line.is_cancelled:
        sink.on_piece(sync.NamesPiece(at, at + 1, ()).encode(), net.world.now)
        at += 1
        net.world.run(SYNC_STALL_SECONDS / 2)
        assert net.world.now - began < 2 * SYNC_PULL_SECONDS_MAX * SECOND
    assert not host.node.syncs.is_pulling(other.id, is_new=True)
    assert host.node.syncs.failed == 1
