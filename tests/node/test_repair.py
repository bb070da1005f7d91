"""Sweeps: who is told of which entries when nodes come and go, and that all ends in silence."""

import pytest

from dave.limits import REPAIR_CAME_SECONDS, REPAIR_CHANGES_MAX, REPLICAS, SWEEP_SECONDS
from dave.names import place_of
from dave.node.repair import NEAR_FACTOR
from dave.testing.links import Link
from dave.testing.world import World
from tests.node.helpers import FREE, Stage
from tests.node.replica_helpers import Replica


def ids(versions):
    return sorted(version.entry_id for version in versions)


def test_a_newcomer_is_told_of_all_that_it_should_hold(stage):
    entries = [stage.entry(b"%d" % i) for i in range(100)]
    stage.put(*entries)
    newcomer = Replica(stage)
    newcomer.holds = True
    newcomer.announced.clear()
    stage.node.table.remove(newcomer.id)
    stage.run(20)
    stage.node.table.add(newcomer.contact, stage.now)
    stage.run(20)
    assert not newcomer.announced, "it pulls first what it lacks"
    stage.run(2 * REPAIR_CAME_SECONDS)
    assert ids(newcomer.versions) == sorted(entry.id for entry in entries)
    newcomer.announced.clear()
    stage.run(3 * SWEEP_SECONDS)
    assert not newcomer.announced, "who has promised is left alone"


def test_when_a_node_goes_the_next_of_the_region_is_told(stage):
    peers = [Replica(stage) for _ in range(REPLICAS + 3)]
    for peer in peers:
        peer.holds = True
    entries = [stage.entry(b"%d" % i) for i in range(40)]
    stage.put(*entries)
    stage.run(1)
    told = {peer.id: set(ids(peer.versions)) for peer in peers}
    gone, *rest = peers
    for peer in peers:
        peer.announced.clear()
    gone.is_silent = True
    stage.node.table.remove(gone.id)
    stage.run(20)
    expected = {peer.id: set() for peer in rest}
    for entry in entries:  # also those of which we are no replica: nobody else seems to hold them
        place = place_of(entry.id)
        region = sorted([stage.node.id, *expected], key=lambda node_id: node_id ^ place)[:REPLICAS]
        for node_id in region:
            if node_id != stage.node.id and entry.id not in told[node_id]:
                expected[node_id].add(entry.id)
    assert any(expected.values())
    assert {peer.id: set(ids(peer.versions)) for peer in rest} == expected


def test_what_we_hold_for_others_is_announced_only_if_they_lack_it(stage):
    entry = stage.entry()
    stage.put(entry)
    place = place_of(entry.id)
    peers = []
    while len(peers) < REPLICAS:
        peer = Replica(stage)
        if peer.id ^ place < stage.node.id ^ place:
            peers.append(peer)
        else:
            peer.is_silent = True
            stage.node.table.remove(peer.id)
        stage.node.promises.forget_entry(entry.id)
    for peer in peers[: REPLICAS // 2]:
        peer.announce(entry)
    for peer in peers:
        peer.announced.clear()
    stage.node.replicas.repair.changed(peers[0].id, stage.now)
    stage.run(10)
    told = [peer for peer in peers if peer.announced]
    assert len(told) == 1, "half of them hold it; one is asked whether ours is the newest"
    assert told[0] in peers[REPLICAS // 2 :]
    stage.node.promises.forget_entry(entry.id)
    stage.node.replicas.repair.changed(peers[0].id, stage.now)
    stage.run(10)
    assert all(ids(peer.versions) == [entry.id] * len(peer.versions) for peer in peers)
    assert all(peer.announced for peer in peers)


@pytest.mark.parametrize("seed", range(3))
def test_who_keeps_promises_is_told_first(seed):
    stage = Stage(seed=seed)
    peers = [Replica(stage, is_above=True) for _ in range(4)]
    for kept, peer in zip((0, 2, 8, 40), peers, strict=True):
        for _ in range(kept):
            stage.node.trust.kept(peer.id, stage.now)
    stage.put(stage.entry())
    told = []
    stage.node.replicas.announcer.announce = lambda peer_id, *_, **__: told.append(peer_id)
    stage.rng.random = lambda: 0.5  # no exploration
    stage.node.leave(stage.now)
    assert told == [peer.id for peer in reversed(peers)]


def test_a_change_far_away_is_no_reason_to_look(stage):
    peers = [Replica(stage) for _ in range(20)]
    stage.put(*[stage.entry(b"%d" % i) for i in range(20)])
    for _ in range(32):
        stage.node.density.observe(1 << 40, REPLICAS)
    stage.run(2)
    repair = stage.node.replicas.repair
    looked = []
    repair._look_at = lambda entry_id, *_: looked.append(entry_id)
    repair.changed(stage.node.id ^ 1 << 50, stage.now)
    stage.run(10)
    assert not looked
    near = stage.node.id ^ 1
    repair.changed(near, stage.now)
    stage.run(10)
    reach = NEAR_FACTOR * stage.node.expected_distance()
    held = [item for n in range(256) for item in stage.store.held_in_shard(n)]
    assert sorted(looked) == sorted(i for i, _ in held if place_of(i) ^ near <= reach)
    for i in range(REPAIR_CHANGES_MAX + 1):
        repair.changed(near ^ i, stage.now)
    stage.run(10)
    assert len(looked) >= len(held), "many changes: all entries"
    assert len(peers) == 20


def test_each_entry_is_looked_at_about_once_an_hour(stage):
    stage.put(stage.entry(ttl=100_000))
    looked = []
    stage.node.replicas.repair._look_at = lambda *_: looked.append(stage.now)
    stage.run(10 * SWEEP_SECONDS)
    assert 7 <= len(looked) <= 14


def test_a_sweep_waits_while_too_much_is_to_be_said(stage, monkeypatch):
    monkeypatch.setattr("dave.node.repair.REPAIR_BACKLOG_MAX", 10)
    peer = Replica(stage, is_above=True)
    stage.put(*[stage.entry(b"%d" % i) for i in range(200)])
    repair, announcer = stage.node.replicas.repair, stage.node.replicas.announcer
    for i in range(20):
        announcer.announce(peer.id, i.to_bytes(32, "big"), bytes(16), stage.now)
    looked = []
    repair._look_at = lambda entry_id, *_: looked.append(entry_id)
    repair._begin(None)
    repair._slice(stage.now)
    assert not looked
    assert repair.is_sweeping
    stage.run(20)
    assert len(looked) >= 200


def network_of(nodes, seed):
    world = World(seed, FREE, Link(delay_ms=10, jitter_ms=0))
    for _ in range(nodes):
        world.add_node()
    world.run(10)
    return world


def test_dead_replicas_are_replaced_and_then_there_is_silence():
    world = network_of(14, 4)
    owner, client = world.owner(), world.add_client()
    entries = [owner.entry(b"%d" % i, b"value", world.time(), 86_400) for i in range(20)]
    world.run_until_resolved(*[client.put(entry) for entry in entries])
    world.run(6)
    for host in world.nodes[3:8]:
        world.kill(host)
    world.run(600)
    living = [host for host in world.nodes if host.is_up]
    for entry in entries:
        place = place_of(entry.id)
        nearest = sorted(living, key=lambda host: host.node.id ^ place)[:REPLICAS]
        assert all(host.node.own(entry.id, world.now) == entry for host in nearest)
    assert all(host.node.replicas.announcer.is_idle for host in living)


def test_a_trickle_of_changes_puts_no_look_off(stage):
    looks = []
    repair = stage.node.replicas.repair
    look = repair._look
    repair._look = lambda now: looks.append(now) or look(now)
    for i in range(300):
        repair.changed(i + 1, stage.now)
        stage.run(0.02)
    assert len(looks) > 10
