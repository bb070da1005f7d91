"""What a job has done by the disk and by other nodes."""

import pytest

from dave.crypto import merkle
from dave.files.code import Code
from dave.names import SECOND
from dave.share_limits import STRIPE_PLACE_SECONDS, STRIPE_REFUSED_SECONDS, STRIPE_REFUSERS_MAX
from sim import stripes
from tests.node.mending import network_of, put


class Scene:
    """Three nodes that hold a share each of one stripe."""

    def __init__(self):
        self.world = network_of(3)
        (self.stripe,) = put(self.world, Code(2, 3))
        self.record = self.stripe.record
        self.hosts = [stripes.holders(self.world, self.stripe, i)[0] for i in range(3)]

    def call(self, host, method, *arguments):
        """What a call of the hands came to."""
        came = []
        done = lambda result, now: came.append(result)  # noqa: E731
        hands = host.node.upkeep.repair._hands
        if method == "rebuild":
            hands.rebuild(*arguments, done)
        else:
            getattr(hands, method)(*arguments, done, self.world.now)
        host.settle()
        self.world.run(STRIPE_PLACE_SECONDS + 10)
        (result,) = came
        return result


@pytest.fixture
def scene():
    return Scene()


def test_a_share_of_our_own_is_read(scene):
    one, two, _ = scene.hosts
    address, size = scene.record.address(0), scene.record.size(0)
    assert one.node.upkeep.repair._hands.is_here(address)
    assert not two.node.upkeep.repair._hands.is_here(address)
    assert scene.call(one, "read", address, size) == scene.stripe.shares[0]
    one.shares.shares.clear()
    assert scene.call(one, "read", address, size) is None


def test_a_share_is_fetched_from_who_has_it(scene):
    one, two, _ = scene.hosts
    address = scene.record.address(1)
    assert scene.call(one, "fetch", two.node.id, address) == scene.stripe.shares[1]
    assert scene.call(one, "fetch", two.node.id, scene.record.address(2)) is None
    assert scene.call(one, "fetch", 12345, address) is None, "nobody that is known"


def test_a_share_that_comes_damaged_does_not_come(scene):
    one, two, _ = scene.hosts
    address = scene.record.address(1)
    two.shares.shares[address] = bytes(scene.record.size(1))
    assert scene.call(one, "fetch", two.node.id, address) is None
    assert one.node.trust.evidence(two.node.id).broken == 1


def test_shares_are_rebuilt_from_others_the_short_one_too(scene):
    have = {number: scene.stripe.shares[number] for number in (1, 2)}
    (share,) = scene.call(scene.hosts[0], "rebuild", scene.record, have, [0])
    assert merkle.root(share) == scene.record.address(0)
    have = {number: scene.stripe.shares[number] for number in (0, 2)}
    (share,) = scene.call(scene.hosts[0], "rebuild", scene.record, have, [1])
    assert share == scene.stripe.shares[1]


def test_who_takes_a_share_and_lacks_it_again_is_offered_none_for_an_hour(scene):
    """Else it could have others fetch, rebuild and place the same share for ever."""
    one, two, _ = scene.hosts
    hands = one.node.upkeep.repair._hands
    place = ("place", two.node.id, scene.record, 0, scene.stripe.shares[0])
    assert scene.call(one, *place)
    address = scene.record.address(0)
    two.node.shares.index.on_lost = None
    two.node.shares.index.lost(address)
    assert hands.takes(two.node.id, scene.world.now)
    assert not scene.call(one, *place)
    assert not hands.takes(two.node.id, scene.world.now)
    scene.world.run(STRIPE_REFUSED_SECONDS)
    assert hands.takes(two.node.id, scene.world.now)
    assert scene.call(one, *place)


def test_a_share_is_placed_by_the_record_as_it_is_and_survives_a_restart(scene):
    one, two, _ = scene.hosts
    assert scene.call(one, "place", two.node.id, scene.record, 0, scene.stripe.shares[0])
    assert two in stripes.holders(scene.world, scene.stripe, 0)
    scene.world.kill(two)
    scene.world.restart(two)
    assert two in stripes.holders(scene.world, scene.stripe, 0)
    assert two.node.shares.index.stripe(scene.stripe.stripe_id) == (scene.record, 3)


def test_all_records_that_keep_a_share_go_with_it(scene):
    """Equal blocks in two uploads: the one may be released before the other."""
    one, two, _ = scene.hosts
    owner = scene.world.owner()
    other = owner.record(
        (2, 3, scene.record.share_bytes, scene.record.last_bytes),
        scene.record.addresses, scene.world.time(), 3600, b"another upload..",
    )  # fmt: skip
    assert other.stripe_id == scene.stripe.stripe_id
    index = one.node.shares.index
    index.insert(other, 0, one.node.unix_ms(scene.world.now), is_written=False)
    assert scene.call(one, "place", two.node.id, scene.record, 0, scene.stripe.shares[0])
    held = two.node.shares.index.records(scene.stripe.stripe_id)
    assert sorted(each.reference for each in held) == sorted(
        (scene.record.reference, other.reference)
    )


def test_who_is_full_or_gone_does_not_keep_it(scene):
    one, two, _ = scene.hosts
    two.node.shares.index.capacity_bytes = 0
    share, hands = scene.stripe.shares[0], one.node.upkeep.repair._hands
    assert hands.takes(two.node.id, scene.world.now)
    assert scene.call(one, "place", two.node.id, scene.record, 0, share) is False
    assert not hands.takes(two.node.id, scene.world.now)
    assert hands.takes(two.node.id, scene.world.now + STRIPE_REFUSED_SECONDS * SECOND)
    assert scene.call(one, "place", 12345, scene.record, 0, share) is False
    three_id = scene.hosts[2].node.id
    scene.world.kill(scene.hosts[2])
    assert scene.call(one, "place", three_id, scene.record, 0, share) is False


def test_a_share_comes_back_that_was_lost_here(scene):
    one = scene.hosts[0]
    index = one.node.shares.index
    one.node.shares.effects.drop(index.lost(scene.record.address(0)))
    one.settle()
    assert stripes.holders(scene.world, scene.stripe, 0) == []
    assert scene.call(one, "place", one.node.id, scene.record, 0, scene.stripe.shares[0])
    assert stripes.holders(scene.world, scene.stripe, 0) == [one]
    assert scene.call(one, "place", one.node.id, scene.record, 0, scene.stripe.shares[0])
    one.node.shares.index.capacity_bytes = 0
    assert not scene.call(one, "place", one.node.id, scene.record, 1, scene.stripe.shares[1])
    assert not one.node.upkeep.repair._hands.takes(one.node.id, scene.world.now)


def test_only_so_many_refusals_are_remembered(scene):
    hands = scene.hosts[0].node.upkeep.repair._hands
    for peer in range(STRIPE_REFUSERS_MAX + 1):
        hands._note_refusal(peer, scene.world.now)
    assert len(hands._refused) == STRIPE_REFUSERS_MAX
    assert hands.takes(0, scene.world.now)
