"""Room for shares that come in: bounded, in turn, and taken from who leaves it unused."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from dave.drops import Drop
from dave.node.shares.room import ShareRoom
from dave.share_limits import (
    BLOCK_BYTES,
    OFFER_IDLE_SECONDS,
    SHARES_IDLE_SECONDS,
    SHARES_INCOMING_BYTES_MAX,
    SHARES_INCOMING_FIRST,
    SHARES_INCOMING_PER_PEER_MAX,
    SHARES_INCOMING_TRIAL_MAX,
)
from dave.wire import shares as wire
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Offer
from tests.node.sharing import (
    maker_in,
    put_all,
    script_of,
    share_network,
    statuses,
)

S = ShareStatus


def hoard(world, node, count, seed=1, each=20):
    """Clients that offer and never send: their scripts."""
    maker = maker_in(world, seed)
    scripts = [script_of(world.add_client(), node) for _ in range(count)]
    world.run(1)
    for script in scripts:
        for _ in range(2):
            record, _ = maker.stripe(each, BLOCK_BYTES)
            start = len(script.pieces) * each
            script.say(
                wire.offers_piece(
                    wire.offer_bytes(Offer(start + i, i, record.data)) for i in range(each)
                )
            )
    return scripts


def test_who_sends_nothing_gets_little_and_all_of_them_half_of_it():
    world, _ = share_network(1)
    (node,) = world.nodes
    room = node.node.shares.room
    scripts = hoard(world, node, 30)
    world.run(5)
    wanted = [len(script.said(S.WANTED)) * BLOCK_BYTES for script in scripts]
    assert sum(wanted) == room.used == room.on_trial == SHARES_INCOMING_TRIAL_MAX
    assert max(wanted) <= SHARES_INCOMING_FIRST
    for _ in range(10):
        world.run(SHARES_IDLE_SECONDS)
        assert room.used <= SHARES_INCOMING_TRIAL_MAX
    assert node.dropped(Drop.FULL) == 24, "who holds room without using it gives it up"


def test_who_sends_is_not_held_up_by_many_who_do_not():
    """One begins among sixty that never send anything, and come again and again."""
    world, client = share_network(1)
    (node,) = world.nodes
    scripts = hoard(world, node, 60, each=2)
    maker = maker_in(world, 2)
    told = put_all(client, node, [maker.stripe(4, BLOCK_BYTES) for _ in range(12)], seconds=600)
    came = []
    for _ in range(50):
        world.run(1)
        came.append(len(statuses(told)))
        for script in scripts:
            if script.is_closed:
                scripts.remove(script)
                scripts += hoard(world, node, 1, len(scripts) + 10, each=2)
                break
    first = next(i for i, count in enumerate(came) if count)
    assert first <= 5 * SHARES_IDLE_SECONDS, "it has its turn"
    assert came[min(first + 5, 49)] == 48, "and then goes on as if it were alone"
    assert set(statuses(told)) == {"STORED"}


def test_room_grows_by_what_arrives_and_is_little_after_waste():
    world, client = share_network(1)
    (node,) = world.nodes
    service = node.node.shares
    put_all(client, node, [maker_in(world).stripe(20, BLOCK_BYTES)])
    world.run(5)
    ((key, allowance),) = [(t.asker, t.allowance) for t in service._takers.values()]
    assert allowance == SHARES_INCOMING_PER_PEER_MAX
    world.run(2 * OFFER_IDLE_SECONDS)
    assert service._allowances == {key: allowance}
    hoard(world, node, 30)
    world.run(3 * SHARES_IDLE_SECONDS)
    assert sorted(set(service._allowances.values())) == [0, allowance]


class Taker:
    """What the room knows of one."""

    def __init__(self, *sizes, is_on_trial=False):
        self.is_on_trial = is_on_trial
        self.allowance = SHARES_INCOMING_FIRST if is_on_trial else SHARES_INCOMING_PER_PEER_MAX
        self.waiting = deque(Sized(size) for size in sizes)
        self.reserved = 0
        self.is_over = False
        self.granted = []

    def grant(self, now, *, on_trial):
        assert on_trial == self.is_on_trial
        size = self.waiting.popleft().size
        self.reserved += size
        self.granted.append(size)


class Sized:
    def __init__(self, size):
        self.size = size


def free(room, taker):
    size = taker.granted.pop(0)
    taker.reserved -= size
    room.freed(size, taker, on_trial=taker.is_on_trial)


def test_freed_room_goes_in_turn():
    room, big = ShareRoom(), SHARES_INCOMING_PER_PEER_MAX // 4
    hogs = [Taker(*[big] * 40) for _ in range(6)]
    late = [Taker(*[big] * 40) for _ in range(3)]
    for taker in (*hogs, *late):
        room.wanted(taker, 7)
    assert [len(taker.granted) for taker in (*hogs, *late)] == [4] * 6 + [0] * 3
    for _ in range(4):
        for taker in hogs:
            free(room, taker)
    got = [len(taker.granted) for taker in (*hogs, *late)]
    assert sum(got) == 24
    assert min(got) >= 2


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 1 << 20), st.booleans())))
def test_it_is_never_exceeded_and_never_lies_idle(steps):
    room, takers = ShareRoom(), [Taker(is_on_trial=i % 2 == 0) for i in range(6)]
    for number, size, frees in steps:
        taker = takers[number]
        if frees and taker.granted:
            free(room, taker)
        else:
            taker.waiting.append(Sized(size))
            room.wanted(taker, 0)
        assert room.used == sum(taker.reserved for taker in takers) <= SHARES_INCOMING_BYTES_MAX
        assert room.on_trial == sum(taker.reserved for taker in takers[::2])
        assert room.on_trial <= SHARES_INCOMING_TRIAL_MAX
        for each in takers:
            assert each.reserved <= max(each.allowance, *each.granted, 0)
            if each.waiting and not room.is_short:
                assert each.reserved + each.waiting[0].size > each.allowance


def test_those_on_trial_wait_for_each_other_and_nobody_for_them():
    room, size = ShareRoom(), BLOCK_BYTES
    new = [Taker(size, size, is_on_trial=True) for _ in range(30)]
    known = Taker(*[size] * 20)
    for taker in (*new, known):
        room.wanted(taker, 0)
    assert sum(len(taker.granted) for taker in new) == SHARES_INCOMING_TRIAL_MAX // size
    assert len(known.granted) == SHARES_INCOMING_PER_PEER_MAX // size
    for _ in range(4):
        free(room, known)
    assert len(known.granted) == SHARES_INCOMING_PER_PEER_MAX // size
    assert room.is_short


def test_who_left_gets_nothing():
    room = ShareRoom()
    full, gone = Taker(SHARES_INCOMING_BYTES_MAX), Taker(100)
    room.wanted(full, 0)
    room.wanted(gone, 0)
    assert room.is_short
    room.left(gone)
    assert not room.is_short
    gone.is_over = True
    room.freed(0, gone, on_trial=False)
    assert gone.granted == []
