"""Room for shares that come in: bounded, in turn, and taken from who leaves it unused."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from dave.drops import Drop
from dave.node.shares.room import ShareRoom
from dave.share_limits import (
    BLOCK_BYTES,
    SHARES_INCOMING_BYTES_MAX,
    SHARES_INCOMING_PER_PEER_MAX,
    SHARES_INCOMING_SECONDS,
)
from dave.wire import shares as wire
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Offer
from tests.node.sharing import (
    maker_in,
    script_of,
    share_network,
)

S = ShareStatus


def test_room_is_bounded_for_one_and_in_all():
    world, client = share_network(1)
    (node,) = world.nodes
    maker, service = maker_in(world), node.node.shares
    clients = [client, *(world.add_client() for _ in range(9))]
    scripts = [script_of(each, node) for each in clients]
    world.run(1)
    for script in scripts:
        made = [maker.stripe(20, BLOCK_BYTES) for _ in range(2)]
        for record, _ in made:
            start = len(script.pieces) * 20
            script.say(
                wire.offers_piece(
                    wire.offer_bytes(Offer(start + i, i, record.data)) for i in range(20)
                )
            )
    world.run(5)
    wanted = [len(script.said(S.WANTED)) * BLOCK_BYTES for script in scripts]
    assert sum(wanted) == service.room.used == SHARES_INCOMING_BYTES_MAX
    assert max(wanted) <= SHARES_INCOMING_PER_PEER_MAX
    world.run(SHARES_INCOMING_SECONDS + 10)
    assert service.room.used <= SHARES_INCOMING_BYTES_MAX
    assert node.dropped(Drop.FULL) >= 5, "who holds room without using it gives it up"


class Taker:
    """What the room knows of one."""

    def __init__(self, *sizes):
        self.waiting = deque(Sized(size) for size in sizes)
        self.reserved = 0
        self.is_over = False
        self.granted = []

    def grant(self, now):
        size = self.waiting.popleft().size
        self.reserved += size
        self.granted.append(size)


class Sized:
    def __init__(self, size):
        self.size = size


def free(room, taker):
    size = taker.granted.pop(0)
    taker.reserved -= size
    room.freed(size, taker)


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
    room, takers = ShareRoom(), [Taker() for _ in range(6)]
    for number, size, frees in steps:
        taker = takers[number]
        if frees and taker.granted:
            free(room, taker)
        else:
            taker.waiting.append(Sized(size))
            room.wanted(taker, 0)
        assert room.used == sum(taker.reserved for taker in takers) <= SHARES_INCOMING_BYTES_MAX
        for each in takers:
            assert each.reserved <= max(SHARES_INCOMING_PER_PEER_MAX, *each.granted, 0)
            if each.waiting and not room.is_short:
                more = each.reserved + each.waiting[0].size
                assert more > SHARES_INCOMING_PER_PEER_MAX


def test_who_left_gets_nothing():
    room = ShareRoom()
    full, gone = Taker(SHARES_INCOMING_BYTES_MAX), Taker(100)
    room.wanted(full, 0)
    room.wanted(gone, 0)
    assert room.is_short
    room.left(gone)
    assert not room.is_short
    gone.is_over = True
    room.freed(0, gone)
    assert gone.granted == []
