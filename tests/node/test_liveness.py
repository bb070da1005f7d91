"""Probes: how many, of whom, how fast a death is known, and what they leave behind."""

from collections import Counter

from dave.limits import CONTACT_FAILURES_MAX, PROBE_SECONDS, SESSION_PROVISIONAL_SECONDS
from dave.names import SECOND
from dave.testing.links import Link
from dave.testing.world import World
from tests.node.helpers import FREE

STEADY = Link(delay_ms=10, jitter_ms=0)
INIT, ACCEPT, DATA = 3, 4, 5


class Watched(World):
    """Counts what is sent, by kind."""

    def __init__(self, **options):
        super().__init__(6, FREE, STEADY, **options)
        self.kinds = Counter()

    def send(self, data, source, to):
        self.kinds[data[1]] += 1
        super().send(data, source, to)


def network_of(nodes, seconds=60, **options):
    world = Watched(**options)
    world.add_nodes(nodes)
    world.run(seconds)
    world.kinds.clear()
    return world


def test_an_idle_network_is_nearly_silent():
    world = network_of(30, seconds=120)
    before = sum(host.sent_bytes for host in world.nodes)
    world.run(600)
    assert sum(world.kinds.values()) / 600 / 30 <= 0.3
    assert (sum(host.sent_bytes for host in world.nodes) - before) / 600 / 30 <= 200


def test_one_probe_at_a_time_however_many_contacts_there_are():
    world = network_of(2, seconds=120)
    world.run(50 * PROBE_SECONDS)
    # Both probe, and each is heard by the other's probe: it needs none itself, then.
    assert world.kinds[DATA] <= 2 * 2 * 50 * 1.35


def test_traffic_takes_the_place_of_probes():
    world = network_of(2)
    one, two = world.nodes
    client = world.add_client([one])
    world.run_until_resolved(client.get(bytes(32)))
    pings = Counter()
    serve = two.node.handlers[1]

    def watch(session, message, now):
        pings[session.node_id] += 1
        serve(session, message, now)

    two.node.handlers[1] = watch
    one.node.handlers[1] = lambda *_: None
    for _ in range(120):
        one.get(bytes(32))
        world.run(1)
    assert not pings, "it answered something each second"


def test_a_death_is_known_to_the_neighbours_within_seconds_of_the_first_failed_probe():
    world = network_of(10)
    dead = world.nodes[3]
    witnesses = [host for host in world.nodes if host is not dead]
    world.kill(dead)
    failed_at, gone_at = {}, {}
    while len(gone_at) < len(witnesses):
        world.run(0.25)
        assert world.now < 2_000 * SECOND
        for host in witnesses:
            table = host.node.table
            [contact] = [c for c in [*table, *table.lost(world.now)] if c.address == dead.address]
            if table.failures(contact.id) and host not in failed_at:
                failed_at[host] = world.now
            if table.get(contact.id) is None:
                gone_at.setdefault(host, world.now)
    waits = [(gone_at[host] - failed_at.get(host, gone_at[host])) / SECOND for host in witnesses]
    assert max(waits) < 10
    assert (max(gone_at.values()) - min(failed_at.values())) / SECOND < 120


def test_one_lost_answer_is_no_death():
    world = network_of(3)
    one, two = world.nodes[:2]
    world.links.partition([two.name])
    for _ in range(CONTACT_FAILURES_MAX - 1):
        one.node.table.failed(two.node.id, world.now)
    one.node.liveness.failed(two.node.id, world.now)
    world.links.heal()
    one.settle()
    world.run(5)
    assert one.node.table.failures(two.node.id) == 0
    assert two.node.id in [contact.id for contact in one.node.table]


def test_after_a_great_loss_the_dead_are_soon_gone():
    world = network_of(30, seconds=120)
    dead = world.nodes[::2]
    for host in dead:
        world.kill(host)
    world.run(180)
    gone = {host.address for host in dead}
    for host in world.nodes:
        if host.is_up:
            assert not gone & {contact.address for contact in host.node.table}


def test_the_lost_come_back_and_bring_each_other():
    world = network_of(12, seconds=60)
    half = world.nodes[:6]
    world.links.partition([host.name for host in half])
    world.run(600)
    assert {len(host.node.table) for host in world.nodes} == {5}
    world.links.heal()
    world.run(120)
    assert {len(host.node.table) for host in world.nodes} == {11}


def test_an_edge_is_probed_for_ever():
    world = network_of(3, seconds=60)
    edge = world.nodes[0]
    world.kill(edge)
    world.run(600)
    for host in world.nodes[1:]:
        host.node.table._lost.clear()  # as after more than a day
    world.restart(edge)
    edge.node.edges = ()
    edge.node.table._lost.clear()
    world.run(200)
    assert len(edge.node.table) == 2


def test_a_probe_of_a_far_contact_costs_two_packets_and_leaves_no_session():
    world = network_of(60, seconds=120)
    one = world.nodes[0]
    near = {contact.id for contact in one.node.liveness._neighbours()}
    far = next(c for c in one.node.table if c.id not in near
               and one.node.sessions.find(c.address) is None)  # fmt: skip
    other = world.hosts[far.address]
    before = one.sent, other.sent, len(other.node.sessions)
    one.node.liveness.probe(far, world.now)
    one.settle()
    world.run(0.1)
    assert (one.sent - before[0], other.sent - before[1]) == (1, 1)
    assert one.node.sessions.find(far.address) is None
    assert one.node.table.rtt_least(far.id) is not None
    world.run(SESSION_PROVISIONAL_SECONDS + 1)
    assert len(other.node.sessions) <= before[2] + 1


def test_a_challenge_takes_the_place_of_a_ping():
    world = network_of(2)
    one, two = world.nodes
    asked = []
    one.node.liveness.challenge = lambda contact, now: not asked.append(contact.id)
    two.node.handlers[1] = lambda *_: asked.append("PING")
    world.run(30 * PROBE_SECONDS)
    assert set(asked) == {two.node.id}
