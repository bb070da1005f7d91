"""Networks of nodes that keep their shares up: what is lost comes back, without a key."""

from dave.drops import Drop
from dave.files.code import Code
from dave.names import SECOND
from dave.share_limits import STRIPE_GRACE_SECONDS, STRIPE_SETTLE_SECONDS
from sim import stripes
from tests.node.mending import network_of, put


def mended(world):
    upkeeps = [host.node.upkeep for host in world.nodes if host.is_up]
    return sum(each.repair.mended for each in upkeeps if each is not None)


def asked(world):
    return sum(host.node.upkeep.audits.asked for host in world.nodes if host.is_up)


def until_whole(world, made, limit, unfit=0):
    until = world.now + limit * SECOND
    while stripes.whole(world, made, unfit) < len(made):
        assert world.now < until, "it never becomes whole"
        world.run(10)


def test_a_network_without_shares_asks_for_none_and_opens_no_connection():
    world = network_of(4)
    made = world.pipes.made
    world.run(3600)
    assert asked(world) == 0
    assert world.pipes.made == made


def test_a_node_that_gives_no_room_takes_no_part():
    world = network_of(4)
    bare = world.add_node(blob_capacity=0)
    world.run(30)
    made = put(world, Code(2, 3), 3)
    world.run(1200)
    assert bare.node.upkeep is None
    evidence = [host.node.trust.evidence(bare.node.id) for host in world.nodes]
    assert evidence == [None] * 5, "it has promised nothing"
    assert stripes.whole(world, made) == 3
    assert mended(world) == 0


def test_at_rest_all_is_audited_and_nothing_is_moved():
    world = network_of(4)
    made = put(world, Code(2, 3), 5)
    world.run(1800)
    kept = [host.node.upkeep.audits.kept for host in world.nodes]
    assert min(kept) >= 10
    assert sum(host.node.upkeep.audits.broken for host in world.nodes) == 0
    assert (mended(world), stripes.whole(world, made)) == (0, 5)


def test_what_died_with_two_of_six_holders_is_rebuilt_by_the_others():
    world = network_of(9)
    made = put(world, count=4)
    world.run(STRIPE_SETTLE_SECONDS)
    for host in stripes.deaths(world, made)[:3]:
        world.kill(host)
    assert min(stripes.left(world, each) for each in made) < 6
    until_whole(world, made, 1200)
    assert mended(world) >= 1
    rebuilt = sum(h.node.upkeep.repair.rebuilt for h in world.nodes if h.is_up)
    assert rebuilt == sum(h.node.upkeep.repair.placed for h in world.nodes if h.is_up)


def test_who_only_starts_anew_costs_nothing():
    world = network_of(8)
    made = put(world, count=3)
    world.run(STRIPE_SETTLE_SECONDS)
    (holder,) = stripes.holders(world, made[0], 0)
    world.kill(holder)
    world.run(120)
    world.restart(holder)
    world.run(2 * STRIPE_GRACE_SECONDS)
    assert mended(world) == 0
    assert stripes.whole(world, made) == 3


def test_a_share_found_damaged_is_mended_where_it_was():
    world = network_of(7)
    (made,) = put(world)
    world.run(STRIPE_SETTLE_SECONDS)
    (holder,) = stripes.holders(world, made, 2)
    address = made.record.address(2)
    holder.shares.shares[address] = bytes(len(holder.shares.shares[address]))
    holder.node.shares.effects.drop(holder.node.shares.index.lost(address))  # as a scrub does
    holder.settle()
    world.run(30)
    assert stripes.holders(world, made, 2) == [holder]


def test_an_audit_that_finds_our_own_share_damaged_has_it_mended():
    world = network_of(7)
    (made,) = put(world)
    (holder,) = stripes.holders(world, made, 2)
    address = made.record.address(2)
    holder.shares.shares[address] = bytes(len(holder.shares.shares[address]))
    until_whole(world, [made], 3600)
    assert stripes.holders(world, made, 2) == [holder]


def test_who_boasts_of_shares_loses_trust_and_they_are_rebuilt_elsewhere():
    world = network_of(8)
    made = put(world, count=3)
    world.run(STRIPE_SETTLE_SECONDS)
    (liar,) = stripes.holders(world, made[0], 0)
    liar.node.upkeep.prover.on_damaged = lambda address, now: None
    liar.shares.shares.clear()
    until_whole(world, made, 7200, unfit=1)
    evidence = [h.node.trust.evidence(liar.node.id) for h in world.nodes if h is not liar]
    assert any(each is not None and each.broken >= 1 for each in evidence)
    assert liar not in stripes.holders(world, made[0], 0)


def test_what_newcomers_have_pushed_out_of_reach_is_handed_on():
    world = network_of(3)
    made = put(world, Code(1, 2), 6)
    world.run(STRIPE_SETTLE_SECONDS)
    world.add_nodes(9, blob_capacity=1 << 28)

    def within(stripe):
        """How many of the 2n nearest hold it."""
        address, place = stripe.record.address(0), stripe.place
        near = sorted(world.nodes, key=lambda host: host.node.id ^ place)[:4]
        return sum(address in host.shares.shares for host in near)

    assert min(map(within, made)) < 2
    until = world.now + 3600 * SECOND
    while min(map(within, made)) < 2:
        assert world.now < until
        world.run(20)


def test_copies_are_kept_up_as_well():
    world = network_of(5)
    made = put(world, Code(1, 3), 3)
    world.run(STRIPE_SETTLE_SECONDS)
    world.kill(stripes.holders(world, made[0], 0)[0])
    address = made[0].record.address(0)
    world.run(2 * STRIPE_GRACE_SECONDS)
    copies = [h for h in world.nodes if h.is_up and address in h.shares.shares]
    assert len(copies) >= 3


def test_noise_on_the_streams_of_audits_is_dropped():
    world = network_of(3)
    put(world, Code(2, 3))
    host, other = world.nodes[:2]
    other.node.upkeep.prover.serve(b"k" * 32, b"\x15", world.now)
    assert other.dropped(Drop.SHARE_AUDIT) == 1
    assert host.dropped(Drop.SHARE_AUDIT) == 0
