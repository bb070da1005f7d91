"""A world is a function of its seed, and its hosts live and die as told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dave.names import SECOND
from dave.testing.links import Link
from dave.testing.world import World
from tests.tidy_rules import imported

ROOT = Path(__file__).parents[2]
SCRIPT = "from sim.scenarios import run; print(run({!r}, {}, {}).world.trace_hash())"


def trace_in_a_process(scenario, seed, hash_seed):
    """The trace hash of a run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(scenario, seed, 4)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("scenario", ["basics", "lossy", "mixed"])
def test_a_run_is_a_function_of_its_seed_in_any_process(scenario):
    one, two, other = (
        trace_in_a_process(scenario, seed, hash_seed)
        for seed, hash_seed in ((1, "1"), (1, "22"), (2, "1"))
    )
    assert len(one) == 64
    assert one == two != other


def test_the_trace_hash_covers_datagrams_and_results():
    worlds = [World(1) for _ in range(3)]
    hashes = []
    for number, world in enumerate(worlds):
        world.add_node()
        client = world.add_client()
        world.run_until_resolved(client.get(bytes(31) + bytes((number == 2,))))
        hashes.append(world.trace_hash())
    assert hashes[0] == hashes[1] != hashes[2]
    worlds[0].send(b"?", ("10.0.9.9", 1), ("10.0.9.8", 1))
    worlds[0].run(1)
    assert worlds[0].trace_hash() != hashes[0], "also of what reaches nobody"


def test_time_passes_as_asked_for():
    world = World(1)
    started = world.now
    world.run(2.5)
    world.run_until(started + 3 * SECOND)
    assert world.now == started + 3 * SECOND
    assert world.time(7) == world.clock.unix_ms << 16 | 7


def test_an_operation_that_does_not_end_is_noticed():
    world = World(1, link=Link(loss=1.0))
    world.add_node()
    client = world.add_client()
    get = client.get(bytes(32), 30.0)
    with pytest.raises(AssertionError, match="has not ended"):
        world.run_until_resolved(get, seconds=5)


def test_a_killed_host_neither_hears_nor_speaks():
    world = World(1)
    node, other = world.add_node(), world.add_node()
    world.run(2)
    world.kill(node)
    assert not node.is_up
    with pytest.raises(AssertionError, match="is down"):
        node.core  # noqa: B018
    sent = []
    world._send_all = lambda host: sent.append(host)
    world.send(b"\1\1", other.address, node.address)
    world.run(100)
    assert node not in sent


def test_a_restarted_host_starts_anew_with_its_disk_and_the_same_identity():
    world = World(1)
    node, client = world.add_node(), world.add_client()
    entry = world.owner().entry(b"a", b"b", world.time())
    world.run_until_resolved(client.put(entry))
    before, node_id = node.core, node.node.id
    world.kill(node)
    world.restart(node)
    assert (node.core is before, node.node.id) == (False, node_id)
    assert node.node.own(entry.id, world.now) == entry
    assert node.disk.start_count == 2
    with pytest.raises(AssertionError, match="is up"):
        world.restart(node)


def test_a_skewed_clock_is_what_the_core_sees():
    world = World(1)
    node = world.add_node(skew_ms=-5000)
    assert node.node.unix_ms(world.now) == world.clock.unix_ms - 5000


def test_public_and_private_addresses():
    assert World(1).add_node().node.at_home
    assert not World(1, is_public=True).add_node().node.at_home


KERNEL = (
    "bulk", "clock", "disk", "host", "lean", "links", "nat", "owner", "shares", "signatures",
    "world",
)  # fmt: skip


@pytest.mark.parametrize("name", KERNEL)
def test_the_simulation_stands_without_the_edge(name):
    path = f"dave/testing/{name}.py"
    imports = [module for _, module in imported(path, (ROOT / path).read_text("utf-8"))]
    known = {f"dave.testing.{each}" for each in KERNEL}
    assert [module for module in imports if module.startswith("dave.edge")] == []
    assert {module for module in imports if module.startswith("dave.testing")} <= known
