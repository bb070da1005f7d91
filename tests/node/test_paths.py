"""The policy of disjoint paths: when a lookup goes wide, and where its paths aim at."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.limits import (
    DENSITY_OBSERVATIONS,
    LOOKUP_PATHS_CLIENT,
    LOOKUP_PATHS_WIDE,
    LOOKUP_WIDE_STAY,
    REPLICAS,
)
from dave.node.candidate import Candidate, State
from dave.node.paths import Paths, detours, guides
from dave.node.requests import Peer
from tests.node.networks import network_of, put

RING = 1 << 64


def found(*distances):
    candidates = []
    for number, distance in enumerate(distances):
        peer = Peer(("10.0.0.1", number + 1), bytes(32), bytes(8), distance)
        candidates.append(Candidate(peer, distance, 0, number))
        candidates[-1].state = State.ANSWERED
    return candidates


def test_calm_is_one_path_a_clients_put_four_and_a_thorough_search_eight():
    paths = Paths()
    assert paths.first(False, False) == 1
    assert paths.first(False, True) == LOOKUP_PATHS_CLIENT
    assert paths.first(True, False) == paths.first(True, True) == LOOKUP_PATHS_WIDE


def test_one_lookup_in_sixteen_is_checked():
    paths, rng = Paths(), Random(1)
    calm = found(*range(100, 100 + REPLICAS))
    checked = sum(paths.wants_check(calm, None, rng) for _ in range(16_000))
    assert 850 < checked < 1150


@pytest.mark.parametrize(("expected", "is_checked"), [(300, False), (90, True), (900, True)])
def test_a_crowd_or_a_gap_is_checked(expected, is_checked):
    class Never:
        def random(self):
            return 0.99

    eighth = found(*range(200, 200 + REPLICAS))
    assert Paths().wants_check(eighth, expected, Never()) == is_checked


def test_who_was_misled_goes_wide_for_a_hundred_lookups():
    paths = Paths()
    told = found(*range(10, 20))
    assert not paths.compare(told, found(*range(10, 18)))
    assert paths.first(False, False) == 1
    assert paths.compare(told, found(*range(3, 18)))
    wide = [paths.first(False, False) for _ in range(LOOKUP_WIDE_STAY + 1)]
    assert wide == [LOOKUP_PATHS_WIDE] * LOOKUP_WIDE_STAY + [1]


def test_nodes_beyond_the_nearest_or_without_an_answer_mislead_nobody():
    paths, told = Paths(), found(*range(10, 10 + REPLICAS))
    wide = found(*range(10, 30))
    silent = found(1)
    silent[0].state = State.FAILED
    assert not paths.compare(told, silent + wide)


def test_a_place_is_heard_once_until_many_others_were():
    paths = Paths()
    assert [paths.is_new(7), paths.is_new(7)] == [True, False]
    assert all(paths.is_new(100 + i) for i in range(DENSITY_OBSERVATIONS))
    assert paths.is_new(7)


@given(st.integers(0, RING - 1), st.integers(1, RING - 1), st.integers(1, 8), st.integers(0, 99))
def test_detours_lie_in_the_subtrees_around_the_key(place, reach, paths, seed):
    targets = detours(place, paths, reach, Random(seed))
    bits = [(target ^ place).bit_length() for target in targets]
    assert bits == list(range(bits[0], bits[0] - paths + 1, -1)) if bits else paths == 1
    assert all(bit >= 1 for bit in bits)
    assert not bits or bits[0] == max(reach.bit_length(), paths)
    assert detours(place, paths, None, Random(seed)) == [place] * (paths - 1)


def test_a_client_is_guided_by_its_edges_a_node_by_any_contacts():
    world = network_of(12)
    client, node = world.add_client([world.nodes[4]]), world.nodes[3].node
    assert guides(client.core, 7) == []
    put(world, client, world.owner().entry(b"a", b"", world.time()))
    assert {peer.id for peer in guides(client.core, 7)} == {world.nodes[4].node.id}
    assert len(guides(client.core, 7)) == 7
    chosen = [peer.id for peer in guides(node, 7)]
    assert len(set(chosen)) == 7
    assert set(chosen) <= {contact.id for contact in node.table}
    assert len(guides(node, 99)) == len(node.table)
    world.kill(world.nodes[4])
