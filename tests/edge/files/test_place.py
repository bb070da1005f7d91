"""Placing a stripe: the nearest nodes, one share each, and what happens when they will not."""

import pytest

from dave.crypto import hashes
from dave.crypto.work import surplus_bits
from dave.edge.files.place import Placer
from dave.edge.receipt import Refusal
from dave.errors import NotStored, Unreachable
from dave.wire.share_status import ShareStatus
from dave.wire.shares import ShareOutcome
from dave.wire.stripe import place_of_stripe
from tests.edge.fake_shares import FakeShares
from tests.edge.file_stripes import sealed, signed, story

MIB = 1 << 20


async def place(driver, shares, made, max_work=1 << 28, placer=None):
    """Place a stripe; (Placed, Placer, record)."""
    network = driver.core.network
    placer = placer or Placer(shares, driver, network, max_work)
    record = await placer.stamped(signed(made.row, network))
    return await placer.place(record, made.shares), placer, record


def holders(shares, row):
    """For each share, the numbers of the nodes that keep it by their distance from its place."""
    near = sorted(shares.nodes, key=lambda node: node.peer.id ^ place_of_stripe(row.stripe_id))
    return [
        [number for number, node in enumerate(near) if address in node.shares]
        for address in row.addresses
    ]


def test_share_i_goes_to_the_i_th_nearest(tmp_path):
    async def run(driver):
        shares, made = FakeShares(20, network=driver.core.network), sealed(MIB)
        placed, placer, _ = await place(driver, shares, made)
        assert holders(shares, made.row) == [[i] for i in range(6)]
        assert (placed.stored, placed.holders, placer.hashes_tried > 0) == (6, 6, True)
        assert placed.sent_bytes == 6 * MIB // 4 == shares.taken_bytes
        again, _, _ = await place(driver, shares, made)
        assert (again.stored, again.sent_bytes) == (6, 0)

    story(run)


@pytest.mark.parametrize("status", [ShareStatus.FULL, ShareStatus.READ_ONLY, None])
def test_beyond_who_refuses_or_is_silent_to_the_next_nearest(status):
    async def run(driver):
        shares, made = FakeShares(12), sealed(MIB)
        near = sorted(
            shares.nodes, key=lambda node: node.peer.id ^ place_of_stripe(made.row.stripe_id)
        )
        put = shares.put

        async def some_refuse(peer, record, index, data, seconds):
            if peer in (near[1].peer, near[4].peer):
                await shares.pause()
                return ShareOutcome(status or ShareStatus.NO_ANSWER)
            return await put(peer, record, index, data, seconds)

        shares.put = some_refuse
        placed, placer, _ = await place(driver, shares, made)
        assert (placed.stored, placed.holders) == (6, 6)
        found = holders(shares, made.row)
        assert [found[i] for i in (0, 2, 3, 5)] == [[0], [2], [3], [5]]
        assert sorted(found[1] + found[4]) == [6, 7]
        assert sum(placer.refused.values()) == 2
        assert {r.reason for r in placer.refused} == {
            (status or ShareStatus.NO_ANSWER).name.lower()
        }

    story(run)


@pytest.mark.parametrize(("nodes", "most"), [(1, 6), (2, 3), (3, 2), (4, 2), (5, 2)])
def test_several_shares_to_one_node_where_there_are_fewer_nodes(nodes, most):
    async def run(driver):
        shares, made = FakeShares(nodes), sealed(MIB)
        placed, _, _ = await place(driver, shares, made)
        assert (placed.stored, placed.holders) == (6, nodes)
        assert max(len(node.shares) for node in shares.nodes) == most

    story(run)


def test_one_more_than_suffice_must_be_kept_unless_there_are_no_more_nodes():
    async def run(driver):
        shares, made = FakeShares(6), sealed(MIB)
        shares.nodes[0].refuses = ShareStatus.FULL
        placed, _, _ = await place(driver, shares, made)
        assert (placed.stored, placed.holders) == (5, 5)
        shares, made = FakeShares(6), sealed(MIB, seed=2)
        shares.nodes[0].refuses = shares.nodes[1].refuses = ShareStatus.FULL
        with pytest.raises(NotStored, match=r"4 nodes took 4 of the 6 .* 5 are needed \(full at 2"):
            await place(driver, shares, made)
        shares, made = FakeShares(6), sealed(MIB, seed=3)
        near = shares.nearest

        async def all_known(place, count, seconds):
            shares.nodes[0].is_down = shares.nodes[1].is_down = False
            peers = await near(place, count, seconds)
            shares.nodes[0].is_down = shares.nodes[1].is_down = True
            return peers

        shares.nearest = all_known
        placed, _, _ = await place(driver, shares, made)
        assert (placed.stored, placed.holders) == (4, 4), "these are all that there are"

    story(run)


def test_who_was_silent_is_left_out_for_a_while():
    async def run(driver):
        shares, asked = FakeShares(12), []
        placer = Placer(shares, driver, driver.core.network, 1 << 28)
        put = shares.put

        async def one_is_silent(peer, record, index, data, seconds):
            asked.append(peer)
            if peer == shares.nodes[0].peer:
                return ShareOutcome(ShareStatus.TIMED_OUT)
            return await put(peer, record, index, data, seconds)

        shares.put = one_is_silent
        for seed in range(8):
            made = sealed(4000, code=(1, 12), seed=seed)
            placed, _, _ = await place(driver, shares, made, placer=placer)
            assert placed.stored == 11
        assert asked.count(shares.nodes[0].peer) == 1

    story(run)


def test_who_does_not_answer_a_greeting_is_left_out(monkeypatch):
    async def run(driver):
        monkeypatch.setattr("dave.edge.files.place.GREET_SECONDS", 0.1)
        shares, made = FakeShares(7), sealed(MIB)
        silent, gone = shares.nodes[:2]
        held, put, asked = shares.held, shares.put, []

        async def some_hang(peer, ids, seconds):
            if peer == silent.peer:
                await driver.sleep(60)
            if peer == gone.peer:
                raise Unreachable("refused")
            return await held(peer, ids, seconds)

        async def noted(peer, *more):
            asked.append(peer)
            return await put(peer, *more)

        shares.held, shares.put = some_hang, noted
        placer = Placer(shares, driver, driver.core.network, 0)
        placer.greet([node.peer for node in shares.nodes])
        placed, _, _ = await place(driver, shares, made, placer=placer)
        assert (placed.stored, placed.holders) == (5, 5)
        assert silent.peer not in asked
        assert gone.peer not in asked
        # They are asked all the same where there are too few others.
        for node in shares.nodes[2:4]:
            node.refuses = ShareStatus.FULL
        placed, _, _ = await place(driver, shares, sealed(MIB, seed=9), placer=placer)
        assert placed.stored == 5
        assert silent.peer in asked
        placer.close()

    story(run)


def test_busy_nodes_are_asked_again():
    async def run(driver):
        shares, refusals = FakeShares(6), [3]
        put = shares.put

        async def busy_at_first(peer, record, index, data, seconds):
            if index == 2 and refusals[0]:
                refusals[0] -= 1
                return ShareOutcome(ShareStatus.BUSY)
            return await put(peer, record, index, data, seconds)

        shares.put = busy_at_first
        placed, placer, _ = await place(driver, shares, sealed(MIB))
        assert (placed.stored, placed.holders, placer.refused) == (6, 6, {})

    story(run)


@pytest.mark.parametrize(("wanted", "max_work", "stored"), [(3, 1 << 28, True), (16, 0, False)])
def test_full_nodes_are_paid_what_they_ask_for(wanted, max_work, stored):
    async def run(driver):
        network = driver.core.network
        shares, paid = FakeShares(6), []
        put = shares.put

        async def full(peer, record, index, data, seconds):
            stamp = hashes.stripe_stamp(record.digest(network), record.nonce)
            bits = surplus_bits(stamp, record.work)
            if bits < wanted:
                return ShareOutcome(ShareStatus.LOW_RANK, wanted)
            paid.append(bits)
            return await put(peer, record, index, data, seconds)

        shares.put = full
        if stored:
            placed, _, _ = await place(driver, shares, sealed(MIB, seed=4), max_work)
            assert placed.stored == 6
            assert min(paid) >= wanted
        else:
            with pytest.raises(NotStored, match="low_rank at 6 nodes"):
                await place(driver, shares, sealed(MIB, seed=4), max_work)

    story(run)


def test_nobody_there():
    async def run(driver):
        shares = FakeShares(6)
        for node in shares.nodes:
            node.is_down = True
        with pytest.raises(Unreachable):
            await place(driver, shares, sealed(4000))

    story(run)


def test_a_node_that_refuses_with_several_details_is_told_of_once():
    async def told(driver):
        placer = Placer(FakeShares(1), driver, driver.core.network, 0)
        for detail in (2, 5):
            placer.refused[Refusal("127.0.0.1:1424", "low_rank", detail)] += 1
        placer.refused[Refusal("127.0.0.1:1425", "full", 0)] += 1
        assert placer.why() == "low_rank at 1 node, full at 1 node"

    story(told)
