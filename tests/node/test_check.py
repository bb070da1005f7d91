"""A check: who proves that it holds an entry, who only says so, and who says nothing."""

from collections import Counter

import pytest

from dave.crypto import hashes
from dave.limits import REPLICAS
from dave.names import SECOND, place_of
from dave.node.check import Verdict
from dave.testing.links import Link
from dave.testing.world import World
from dave.wire import messages
from dave.wire.promises import Proof
from dave.wire.status import ProofState
from tests.node.helpers import FREE

STEADY = Link(delay_ms=10, jitter_ms=0)
REST = (ProofState.MISSING,) * 63


def prover(host, entry, state=ProofState.HELD, **lies):
    """Make a node answer challenges about one entry; `lies` replace parts of the proof's input."""
    node = host.node
    signed = entry.signed_bytes(FREE)

    def on_challenge(session, data, now):
        _, challenge = messages.decode(data)
        assert challenge.digests == (hashes.entry_digest(signed)[:16],)
        said = {
            "nonce": challenge.nonce,
            "challenger": session.public_key,
            "prover": node.identity.public_key,
            "session": session.handshake_hash,
            "held": [signed] if state is ProofState.HELD else [],
        }
        node.reply(session, data, Proof((state, *REST), hashes.proof(**said | lies)), now)

    node.handlers[13] = on_challenge


def a_network(nodes, seed=3):
    """A network, one entry, a client that knows it, and the nodes, nearest to it first."""
    world = World(seed, FREE, STEADY)
    for _ in range(nodes):
        world.add_node()
    world.run(5)
    entry = world.owner().entry(b"key", b"value", world.time())
    near = sorted(world.nodes, key=lambda host: host.node.id ^ place_of(entry.id))
    return world, entry, world.add_client(), near


def check(world, client, entry, seconds=5.0):
    [result] = world.run_until_resolved(client.check(entry, seconds))
    return result


@pytest.mark.parametrize("nodes", [1, 3, 8, 30])
def test_each_node_of_the_region_is_asked_once_and_proves_it(nodes):
    world, entry, client, near = a_network(nodes)
    for host in world.nodes:
        prover(host, entry)
    result = check(world, client, entry)
    asked = near[: len(result.nodes)]
    assert len(asked) >= min(nodes, REPLICAS)
    assert [node.address for node in result.nodes] == [host.address for host in asked]
    assert [node.id for node in result.nodes] == [host.node.id for host in asked]
    assert {node.verdict for node in result.nodes} == {Verdict.PROVED}
    # The farther nodes of the region were only told of: they need a handshake first.
    rtts = [node.rtt_ns / 20e6 for node in result.nodes]
    assert sorted(rtts) == rtts
    assert rtts[: min(nodes, REPLICAS)] == [1] * min(nodes, REPLICAS)
    assert set(rtts) <= {1, 2}


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": b"n" * 32},
        {"challenger": b"c" * 32},
        {"prover": b"p" * 32},
        {"session": b"s" * 32},
        {"held": []},
        {"held": [b"another version"]},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_proof_of_anything_else_is_none(lie):
    world, entry, client, near = a_network(3)
    for host in near[:2]:
        prover(host, entry)
    prover(near[2], entry, **lie)
    verdicts = [node.verdict for node in check(world, client, entry).nodes]
    assert verdicts == [Verdict.PROVED, Verdict.PROVED, Verdict.UNPROVED]


def test_what_nodes_say_instead_is_told():
    world, entry, client, near = a_network(4)
    states = (ProofState.MISSING, ProofState.NEWER, ProofState.EVICTED, ProofState.HELD)
    for host, state in zip(near, states, strict=True):
        prover(host, entry, state)
    verdicts = [node.verdict for node in check(world, client, entry).nodes]
    assert verdicts == [Verdict.ABSENT, Verdict.NEWER, Verdict.EVICTED, Verdict.PROVED]


def test_the_dead_are_told_of_and_the_living_beyond_them_are_asked():
    world, entry, client, near = a_network(12)
    for host in world.nodes:
        prover(host, entry)
    check(world, client, entry)
    for host in near[:3]:
        world.kill(host)
    started = world.now
    result = check(world, client, entry, seconds=20.0)
    verdicts = {node.address: node.verdict for node in result.nodes}
    assert all(verdicts[host.address] is Verdict.PROVED for host in near[3 : 3 + REPLICAS])
    assert world.now - started < 2 * SECOND, "nobody waits for the dead"
    told = Counter(verdicts.values())
    assert told[Verdict.SILENT] == len(verdicts) - told[Verdict.PROVED] <= 3


def test_where_most_are_dead_all_of_them_are_told_of():
    world, entry, client, near = a_network(3)
    for host in near:
        prover(host, entry)
    edge, started = world.nodes[0], world.now
    for host in world.nodes[1:]:
        world.kill(host)
    verdicts = {node.address: node.verdict for node in check(world, client, entry).nodes}
    assert world.now - started < 3 * SECOND, "nobody waits for the dead"
    assert verdicts.pop(edge.address) is Verdict.PROVED
    assert list(verdicts.values()) == [Verdict.SILENT] * 2


def test_who_is_silent_keeps_it_waiting_until_the_deadline_only():
    world, entry, client, near = a_network(3)
    for host in near:
        prover(host, entry)
    near[1].node.handlers[13] = lambda session, data, now: None
    operation, started = client.check(entry, 0.5), world.now
    [result] = world.run_until_resolved(operation)
    assert world.ended(operation).at - started == SECOND // 2
    verdicts = [node.verdict for node in result.nodes]
    assert verdicts == [Verdict.PROVED, Verdict.SILENT, Verdict.PROVED]
    assert result.nodes[1].rtt_ns == 0
    world.run(60)


def test_nobody_there():
    world, entry, client, near = a_network(1)
    world.kill(near[0])
    assert check(world, client, entry, seconds=0.5).nodes == []
    world.run(60)
    assert client.core.get_timer() is None


def test_the_deadline_may_come_before_the_region_is_known():
    world, entry, client, near = a_network(3)
    for host in near:
        prover(host, entry)
    operation = client.check(entry, 0.07)  # the edge has just told of the others
    [result] = world.run_until_resolved(operation)
    assert {node.verdict for node in result.nodes} == {Verdict.SILENT}
    assert len(result.nodes) == 3
    world.run(60)
