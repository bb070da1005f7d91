"""Stripes: sealed and opened again from any k shares, whole or in part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import merkle
from dave.errors import WireError
from dave.files import stripes
from dave.files.code import Code
from dave.wire.manifest import Row
from tests.files.made import B, content, cut

CODES = [Code(1, 1), Code(1, 3), Code(2, 3), Code(4, 6), Code(10, 14)]


def sealed_of(data, code):
    blocks = cut(data)
    keys = [bytes((i,)) * 32 for i in range(len(blocks))]
    return blocks, stripes.seal(blocks, keys, code)


tails = st.sampled_from([1, 2, 15, 16, 17, 999, B - 1, B])


@given(st.sampled_from(CODES), st.data())
def test_any_k_shares_give_any_of_the_blocks(code, drawn):
    count = drawn.draw(st.integers(1, code.k))
    blocks, sealed = sealed_of(content((count - 1) * B + drawn.draw(tails)), code)
    row = sealed.row
    assert Row.read(row.encode()) == row
    n = row.shape.n
    assert n - count == code.n - code.k
    chosen = drawn.draw(st.permutations(range(n)))[:count]
    shares = {number: sealed.shares[number] for number in chosen}
    first = drawn.draw(st.integers(0, count - 1))
    last = drawn.draw(st.integers(first + 1, count))
    assert stripes.unseal(row, shares, first, last) == blocks[first:last]
    wanted = drawn.draw(st.permutations(range(n)))[: drawn.draw(st.integers(1, n))]
    rebuilt = stripes.rebuild(row.shape, shares, wanted)
    assert rebuilt == {number: sealed.shares[number] for number in wanted}


@pytest.mark.parametrize("code", CODES)
def test_shares_are_what_the_row_says(code):
    _, sealed = sealed_of(content(code.k * B - 7), code)
    sizes = [len(share) for share in sealed.shares]
    shape = sealed.row.shape
    assert sizes == [
        shape.last_bytes if i == shape.k - 1 else shape.share_bytes for i in range(code.n)
    ]
    assert [merkle.root(share) for share in sealed.shares] == list(sealed.row.addresses)
    assert sum(sizes[: code.k]) == shape.plain_bytes == code.k * B - 7


def test_nothing_of_the_plaintext_is_in_the_shares():
    _, sealed = sealed_of(bytes(2 * B), Code(2, 3))
    assert all(bytes(64) not in bytes(share) for share in sealed.shares)


def test_parts_of_a_stripe_need_no_other_shares():
    blocks, sealed = sealed_of(content(4 * B), Code(4, 6))
    assert stripes.unseal(sealed.row, {2: sealed.shares[2]}, 2, 3) == blocks[2:3]


def test_a_stripe_whose_parity_is_another_stripes_is_refused():
    _, sealed = sealed_of(content(4 * B), Code(4, 6))
    _, other = sealed_of(content(4 * B, b"other"), Code(4, 6))
    row = sealed.row._replace(addresses=sealed.row.addresses[:4] + other.row.addresses[4:])
    shares = dict(enumerate(sealed.shares[1:4], 1)) | {4: other.shares[4]}
    with pytest.raises(WireError, match="do not belong together"):
        stripes.unseal(row, shares, 0, 1)
    assert stripes.unseal(row, shares, 1, 2) == cut(content(4 * B))[1:2]


@pytest.mark.parametrize("wrong", [b"a", bytes(B - 1), bytes(B + 1)])
def test_a_share_of_another_size_than_the_rows_is_refused(wrong):
    _, sealed = sealed_of(content(4 * B), Code(4, 6))
    shares = dict(enumerate(sealed.shares[:4])) | {1: wrong}
    for first, last in ((1, 2), (0, 4)):
        with pytest.raises(WireError, match="size"):
            stripes.unseal(sealed.row, shares, first, last)
    with pytest.raises(WireError, match="size"):
        stripes.rebuild(sealed.row.shape, shares, [5])
