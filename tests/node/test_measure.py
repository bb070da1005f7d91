"""A client learns from far away how dense the network is."""

import pytest

from dave.limits import MEASURED_PARTS, REPLICAS
from tests.node.networks import full_network, get, network_of, put

RING = 1 << 64


@pytest.mark.parametrize("verb", ["put", "get"])
def test_a_client_of_a_large_network_measures_it_once(verb):
    world = full_network(60)
    estimates = []
    for i in range(12):
        client = world.add_client([world.nodes[5 * i]])
        entry = world.owner().entry(b"%d" % i, b"", world.time())
        if verb == "put":
            put(world, client, entry)
        else:
            get(world, client, entry.id)
        world.run(1)
        assert MEASURED_PARTS + 1 <= len(client.core.density) <= MEASURED_PARTS + 2
        estimates.append(client.core.expected_distance() * 60 / (REPLICAS * RING))
    assert 0.6 < sorted(estimates)[6] < 1.6


def test_what_is_small_is_not_measured():
    world = network_of(12)
    client = world.add_client()
    put(world, client, world.owner().entry(b"a", b"", world.time()))
    assert not client.core.paths.is_measuring
    assert len(client.core.density) == 1, "its own lookup"


def test_a_node_knows_by_its_neighbours():
    world = full_network(40)
    put(world, world.nodes[7], world.owner().entry(b"a", b"", world.time()))
    assert not world.nodes[7].core.paths.is_measuring
