"""The tree over a share: against a naive one, and whatever a peer may answer to an audit."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import merkle
from dave.share_limits import BLOCK_BYTES, MERKLE_LEAF_BYTES, MERKLE_PATH_HASHES_MAX

LEAF, PARENT, ROOT = (name.ljust(32, b"\0") for name in (
    b"dave merkle leaf", b"dave merkle parent", b"dave merkle root",
))  # fmt: skip

SIZES = sorted(
    size
    for leaves in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16)
    for size in (leaves * MERKLE_LEAF_BYTES + d for d in (-1, 0, 1))
    if size <= BLOCK_BYTES
)
sizes = st.integers(1, BLOCK_BYTES) | st.sampled_from([1, *SIZES])


def made(size):
    return blake3(size.to_bytes(8, "big")).digest(length=size)


def naive_top(leaves):
    """RFC 6962, section 2.1: split at the largest power of two below the number of leaves."""
    if len(leaves) == 1:
        return blake3(leaves[0], key=LEAF).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return blake3(naive_top(leaves[:half]) + naive_top(leaves[half:]), key=PARENT).digest()


def naive_root(data):
    leaves = [data[i : i + MERKLE_LEAF_BYTES] for i in range(0, len(data), MERKLE_LEAF_BYTES)]
    return blake3(len(data).to_bytes(8, "little") + naive_top(leaves), key=ROOT).digest()


@pytest.mark.parametrize("size", [1, *SIZES])
def test_it_is_the_tree_of_rfc_6962(size):
    data = made(size)
    assert merkle.root(data) == naive_root(data)
    assert merkle.root(bytearray(data)) == merkle.root(memoryview(data)) == merkle.root(data)


@given(sizes, st.data())
def test_every_leaf_is_proved_and_no_other(size, drawn):
    data = made(size)
    address = merkle.root(data)
    number = drawn.draw(st.integers(0, merkle.leaf_count(size) - 1))
    leaf, path = merkle.path(data, number)
    start = number * MERKLE_LEAF_BYTES
    assert leaf == data[start : start + merkle.leaf_size(size, number)]
    assert len(path) <= 32 * MERKLE_PATH_HASHES_MAX
    assert merkle.check(address, size, number, leaf, path)
    for other in range(-1, merkle.leaf_count(size) + 1):
        assert merkle.check(address, size, other, leaf, path) == (other == number)
    assert not any(
        merkle.check(address, other, number, leaf, path) for other in (0, size - 1, size + 1)
    )


@given(sizes, st.data())
def test_damage_is_found(size, drawn):
    data = made(size)
    address = merkle.root(data)
    number = drawn.draw(st.integers(0, merkle.leaf_count(size) - 1))
    leaf, path = merkle.path(data, number)
    at = drawn.draw(st.integers(0, len(leaf) - 1))
    flipped = leaf[:at] + bytes((leaf[at] ^ 1,)) + leaf[at + 1 :]
    assert not merkle.check(address, size, number, flipped, path)
    assert not merkle.check(address, size, number, leaf[:-1], path)
    assert not merkle.check(address, size, number, leaf + b"\0", path)
    assert not merkle.check(address, size, number, leaf, path + b"\0")
    assert not merkle.check(address, size, number, leaf, path + bytes(32))
    for cut in range(1, len(path) + 1, 16):
        assert not merkle.check(address, size, number, leaf, path[:-cut])
    for at in range(0, len(path), 7):
        wrong = path[:at] + bytes((path[at] ^ 1,)) + path[at + 1 :]
        assert not merkle.check(address, size, number, leaf, wrong)


@given(sizes, st.integers(1, 4))
def test_pieces_have_the_address_of_the_whole(size, leaves):
    data, step = made(size), leaves * MERKLE_LEAF_BYTES
    pieces = [data[i : i + step] for i in range(0, size, step)]
    assert merkle.root_of(pieces) == merkle.root(data)


def test_padding_with_zeros_is_another_share():
    assert merkle.root(b"a") != merkle.root(b"a\0")
    assert merkle.root(bytes(MERKLE_LEAF_BYTES)) != merkle.root(bytes(MERKLE_LEAF_BYTES + 1))


def test_a_parent_is_no_leaf():
    data = made(2 * MERKLE_LEAF_BYTES)
    halves = [
        blake3(half, key=LEAF).digest()
        for half in (data[:MERKLE_LEAF_BYTES], data[MERKLE_LEAF_BYTES:])
    ]
    assert not merkle.check(merkle.root(data), 64, 0, b"".join(halves), b"")
    assert merkle.root(b"".join(halves)) != merkle.root(data)
