"""The region of a place as one of its nodes sees it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dave.limits import REPLICAS
from dave.node.regions import MAY_BELONG, Regions
from dave.peers.contact import Contact
from tests.node.helpers import Stage

places = st.integers(0, 2**64 - 1)


def knowing(ids):
    """A node's regions, and the node, with contacts of these ids."""
    stage = Stage()
    for i, node_id in enumerate(ids):
        contact = Contact(i.to_bytes(32, "big"), bytes(8), (f"10.1.{i >> 8}.{i & 255}", 1), node_id)
        stage.node.table.add(contact, stage.now)
    return Regions(stage.node), stage


@settings(max_examples=30)
@given(st.lists(places, min_size=1, max_size=60, unique=True), places)
def test_it_is_the_nearest_of_all_nodes_us_included(ids, place):
    regions, stage = knowing(ids)
    others, is_in = regions.of(place, stage.now)
    known = [contact.id for contact in stage.node.table] + [stage.node.id]
    by_distance = sorted(known, key=lambda node_id: node_id ^ place)
    expected = regions.expected_distance(stage.now)
    within = [i for i in by_distance if expected is not None and i ^ place <= expected]
    region = within if len(within) > REPLICAS else by_distance[:REPLICAS]
    assert [contact.id for contact in others] == [i for i in region if i != stage.node.id]
    assert is_in == (stage.node.id in region)


def test_without_us_the_next_takes_our_place():
    regions, stage = knowing(range(1, 15))
    place = stage.node.id  # nobody is nearer than we are
    others, is_in = regions.of(place, stage.now)
    assert is_in
    assert len(others) == REPLICAS - 1
    without = regions.without_us(place, stage.now)
    assert without[: REPLICAS - 1] == others
    assert len(without) == REPLICAS


def test_a_crowd_beside_a_place_makes_its_region_larger():
    spread = [i << 58 for i in range(1, 40)]
    regions, stage = knowing(spread)
    place = 0xABCD << 48
    before, _ = regions.of(place, stage.now)
    crowd = [place ^ i for i in range(1, 46)]
    regions, stage = knowing(spread + crowd)
    for _ in range(2):  # what lookups elsewhere tell
        stage.node.density.observe(1 << 62, REPLICAS)
    after, _ = regions.of(place, stage.now)
    ids = [contact.id for contact in after]
    assert set(crowd) < set(ids)
    honest = sorted(spread, key=lambda node_id: node_id ^ place)[:3]
    assert set(honest) <= {contact.id for contact in before}
    assert len(after) >= len(crowd) + 1, "the crowd displaced all others"


def test_we_may_belong_though_many_seem_nearer():
    regions, stage = knowing([])
    assert regions.may_belong(0)
    place = stage.node.id ^ (1 << 40)
    nearer = [place ^ i for i in range(1, MAY_BELONG * REPLICAS + 1)]
    assert knowing(nearer[:-1])[0].may_belong(place)
    assert not knowing(nearer)[0].may_belong(place)
