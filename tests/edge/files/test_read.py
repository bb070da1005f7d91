"""What is read is what was put, whatever part of it, and whatever two of six nodes do."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dave.edge.files.read import FileReader
from dave.errors import NotWhole, Unreachable, WireError
from dave.names import SECOND
from dave.share_limits import BLOCK_BYTES, FETCH_AHEAD_BYTES
from tests.edge.drivers import asyncio_driver
from tests.edge.fake_shares import FakeShares
from tests.edge.stored_files import content, store

STRIPE = 4 * BLOCK_BYTES


def read(shares, root, start=0, stop=None):
    """The bytes, and the reader."""

    async def story():
        with asyncio_driver() as driver:
            reader = FileReader(driver, shares, root, start, root.size if stop is None else stop)
            pieces = []
            while more := await reader.next():
                pieces += map(bytes, more)
            assert all(pieces)
            return b"".join(pieces), reader

    return asyncio.run(story())


@pytest.mark.parametrize(
    "size", [0, 1, 2, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, STRIPE - 1, STRIPE, STRIPE + 1,
             3 * STRIPE + 5],
)  # fmt: skip
@pytest.mark.parametrize(("k", "n"), [(4, 6), (1, 1), (1, 3), (2, 3), (10, 14)])
def test_files_of_every_size_come_back(size, k, n):
    shares, data = FakeShares(n), content(size)
    assert read(shares, store(shares, data, k, n))[0] == data


LEVELS = content(9 * STRIPE + 77)


@pytest.fixture(scope="module")
def leveled():
    """A file whose root has no room for more than a row or two, so that manifests have levels."""
    shares = FakeShares(6)
    root = store(shares, LEVELS, room=1000)
    assert root.levels == 2
    return shares, root


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(LEVELS)), st.integers(0, len(LEVELS)))
def test_any_range_comes_back(leveled, one, other):
    shares, root = leveled
    start, stop = sorted((one, other))
    assert read(shares, root, start, stop)[0] == LEVELS[start:stop]


def test_a_range_fetches_only_the_blocks_it_needs():
    shares, data = FakeShares(6), content(20 * STRIPE)
    root = store(shares, data, room=1 << 20)
    at = 7 * STRIPE + BLOCK_BYTES
    assert read(shares, root, at - 1, at + 1)[0] == data[at - 1 : at + 1]
    assert shares.fetches == 2


def test_nothing_is_decoded_or_asked_twice_while_all_is_well():
    shares, data = FakeShares(6), content(10 * STRIPE)
    root = store(shares, data, room=1 << 20)
    read(shares, root)
    assert shares.fetches == 40


@pytest.mark.parametrize("seed", range(6))
def test_two_of_six_nodes_gone_and_the_file_is_whole(seed):
    shares, data = FakeShares(6), content(20 * STRIPE)
    root = store(shares, data, room=1 << 20)
    for node in random.Random(seed).sample(shares.nodes, 2):
        node.is_down = True
    assert read(shares, root)[0] == data
    assert shares.fetches <= 20 * 4 + 16 * 4  # what was under way while nobody knew


def still_named(shares):
    """Nodes that are down are still thought to be there."""

    async def nearest(place, count, seconds):
        await shares.pause()
        peers = [node.peer for node in shares.nodes]
        return sorted(peers, key=lambda peer: peer.id ^ place)[:count]

    shares.nearest = nearest


def test_dead_nodes_that_are_named_are_asked_few_times():
    shares, data = FakeShares(6), content(40 * STRIPE)
    root = store(shares, data, room=1 << 20)
    still_named(shares)
    for node in shares.nodes[:2]:
        node.is_down = True
    asked = []
    reach = shares._reach

    async def counted(peer):
        asked.append(peer)
        return await reach(peer)

    shares._reach = counted
    assert read(shares, root)[0] == data
    dead = [node.peer for node in shares.nodes[:2]]
    assert sum(peer in dead for peer in asked) < 60  # what was under way at the first answer


def test_four_of_fourteen_nodes_gone():
    shares, data = FakeShares(14), content(5 * 10 * BLOCK_BYTES + 1)
    root = store(shares, data, 10, 14)
    for node in shares.nodes[3:7]:
        node.is_down = True
    assert read(shares, root)[0] == data


def test_a_node_that_never_answers_is_not_waited_for():
    shares, data = FakeShares(6), content(30 * STRIPE)
    root = store(shares, data, room=1 << 20)
    hanging, reach = shares.nodes[0].peer, shares._reach

    async def hang(peer):
        if peer == hanging:
            await asyncio.get_running_loop().create_future()
        return await reach(peer)

    shares._reach = hang
    assert read(shares, root)[0] == data


def test_a_corrupting_node_is_named_and_done_without():
    shares, data = FakeShares(6), content(10 * STRIPE)
    root = store(shares, data)
    shares.nodes[2].corrupts = True
    got, reader = read(shares, root)
    assert got == data
    assert reader.corrupting == [shares.nodes[2].peer]


def test_shares_that_lie_elsewhere_are_found():
    shares, data = FakeShares(6), content(10 * STRIPE)
    root = store(shares, data)
    more = FakeShares(12, seed=1).nodes[6:]
    for old, new in zip(shares.nodes[:4], more, strict=False):
        new.shares, new.records = old.shares, old.records
        old.shares, old.records = {}, {}
    shares.nodes += more
    assert read(shares, root)[0] == data


def test_a_node_that_comes_back_in_time_is_enough():
    shares, data = FakeShares(6), content(2 * STRIPE)
    root = store(shares, data)
    still_named(shares)
    for node in shares.nodes[:3]:
        node.is_down = True
    tries, reach = [], shares._reach

    async def come_back(peer):
        tries.append(peer)
        if len(tries) > 15:
            shares.nodes[0].is_down = False
        return await reach(peer)

    shares._reach = come_back
    assert read(shares, root)[0] == data


def test_too_few_shares_says_how_many_of_what_and_what_to_do():
    shares, data = FakeShares(6), content(3 * STRIPE)
    root = store(shares, data, room=1 << 20)
    still_named(shares)
    for node in shares.nodes[:3]:
        node.is_down = True
    with pytest.raises(NotWhole) as caught:
        read(shares, root)
    text = str(caught.value)
    assert "part 1 of 3: 3 of the shares that it takes, 4, can be found (nodes that" in text
    assert "answer: 3, that do not: 3): start more of the nodes" in text
    assert "then the same command goes on" in text


def test_nobody_there_is_unreachable():
    shares = FakeShares(6)
    root = store(shares, content(10))
    for node in shares.nodes:
        node.is_down = True
    with pytest.raises(Unreachable):
        read(shares, root)


def test_shares_that_do_not_belong_together_are_the_owners_fault():
    shares, data = FakeShares(6), content(STRIPE)
    root = store(shares, data)
    row = root.top_rows()[0]
    other = store(shares, content(STRIPE, seed=1)).top_rows()[0]
    mixed = row._replace(addresses=(*row.addresses[:4], *other.addresses[4:]))
    forged = root._replace(rows=mixed.encode())

    for node in shares.nodes:
        for address in mixed.addresses[:2]:
            node.shares.pop(address, None)

    async def held(peer, ids, seconds):
        held_here = shares.node(peer).shares
        mask = sum(1 << i for i, each in enumerate(mixed.addresses) if each in held_here)
        return [(None, mask)] * len(ids)

    shares.held = held
    with pytest.raises(WireError, match="do not belong together"):
        read(shares, forged)


def test_memory_is_bounded_whatever_the_writer_does():
    shares, data = FakeShares(6), content(64 * STRIPE)
    root = store(shares, data, room=1 << 20)

    async def story():
        with asyncio_driver() as driver:
            reader = FileReader(driver, shares, root, 0, root.size)
            for _ in range(5):
                await reader.next()
            for _ in range(200):
                await asyncio.sleep(0)
            reader.close()
            return shares.fetches

    assert asyncio.run(story()) <= 4 * (5 + FETCH_AHEAD_BYTES // STRIPE)


def test_on_a_slow_link_little_is_under_way():
    shares, data = FakeShares(6), content(12 * STRIPE)
    root = store(shares, data, room=1 << 20)
    most = []

    async def story():
        with asyncio_driver() as driver:
            clock = [driver.now()]
            driver.now = lambda: clock[0]
            reader = FileReader(driver, shares, root, 0, root.size)
            while await reader.next():
                clock[0] += 60 * SECOND  # a megabyte a minute
                most.append(len(reader._ahead))

    asyncio.run(story())
    assert len(most) == 12
    assert max(most[2:]) <= 1
