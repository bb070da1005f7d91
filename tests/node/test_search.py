"""Finding a region: what a search leaves behind, and when it looks twice."""

from dave.limits import DENSITY_OBSERVATIONS, LOOKUP_WIDE_STAY, REPLICAS
from dave.node.search import Search, region_of
from tests.node.networks import full_network, network_of
from tests.node.test_paths import found

RING = 1 << 64


def search(world, host, place, **options):
    ended = []
    made = Search(host.core, place, lambda *_: ended.append(world.now), **options)
    made.start(host.core.peers_near(place, 20), world.now)
    host.settle()
    world.run(5)
    assert len(ended) == 1, "a search ends once"
    assert made.is_over
    return made


def test_a_small_network_is_known_entirely_after_one_search():
    world = network_of(16)
    client = world.add_client()
    made = search(world, client, 7)
    assert {step.path for step in made.trace} == {0}
    assert client.core.nodes_known == 16
    assert client.core.knows_all_until > world.now
    assert len(client.core.table) == 16, "those that were not asked for the search as well"


def test_a_larger_one_is_not():
    world = full_network(40)
    client = world.add_client()
    search(world, client, 7)
    assert client.core.knows_all_until == 0


def test_a_search_measures_how_dense_the_network_is():
    world = full_network(40)
    node = world.nodes[5]
    for _ in range(DENSITY_OBSERVATIONS):
        search(world, node, world.rng.getrandbits(64))
    expected = REPLICAS * RING / 40
    assert expected / 2 < node.core.expected_distance() < expected * 2
    assert len(node.core.density) == DENSITY_OBSERVATIONS


def test_one_place_is_one_observation_however_often_it_is_looked_for():
    world = full_network(40)
    for _ in range(4):
        search(world, world.nodes[5], 99)
    assert len(world.nodes[5].core.density) == 1


def test_a_suspicious_outcome_is_looked_at_along_eight_paths():
    world = full_network(40)
    node = world.nodes[5]
    for _ in range(DENSITY_OBSERVATIONS):
        node.core.density.observe(RING // 4, REPLICAS)  # a much denser network is expected
        node.core.density.observe(RING // 4000, REPLICAS)
    for _ in range(DENSITY_OBSERVATIONS):
        node.core.density.observe(RING // 4000, REPLICAS)
    made = search(world, node, 1 << 60)
    assert {step.path for step in made.trace} == set(range(8))
    assert made.expected is not None


def test_where_there_is_a_crowd_the_region_is_taken_twice_as_large():
    world = full_network(40)
    node = world.nodes[5]
    for _ in range(DENSITY_OBSERVATIONS):
        node.core.density.observe(RING - 1, REPLICAS)
    before = node.core.expected_distance()
    assert search(world, node, 1 << 60).expected == 2 * before
    assert node.core.expected_distance() < RING


def test_misled_nodes_stay_wide():
    world = full_network(40)
    node = world.nodes[5]
    node.core.paths.compare([], found(1, 2))
    made = search(world, node, 1 << 61)
    assert {step.path for step in made.trace} == set(range(8))
    assert node.core.paths._stay == LOOKUP_WIDE_STAY - 1


def test_cancelled_is_silent():
    world = network_of(8)
    client = world.add_client()
    ended = []
    made = Search(client.core, 1, lambda *_: ended.append(1))
    made.start(client.core.peers_near(1), world.now)
    made.cancel()
    client.settle()
    world.run(5)
    assert (ended, made.is_over) == ([], True)


def test_the_dead_are_in_no_region():
    near = found(*range(1, 20))
    assert [c.distance for c in region_of(near, 12, REPLICAS)] == list(range(1, 13))
    assert len(region_of(near, None, REPLICAS)) == REPLICAS
    near[3].state = near[3].state.FAILED
    assert 4 not in [c.distance for c in region_of(near, 12, REPLICAS)]
