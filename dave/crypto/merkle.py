"""The address of a share: the root of a Merkle tree over leaves of 16 KiB (DESIGN section 9).

So one leaf and a path of four hashes show that a peer holds a share, without a copy of it.

    leaf    BLAKE3 keyed LEAF (bytes)              parent  BLAKE3 keyed PARENT (left 32, right 32)
    root    BLAKE3 keyed ROOT (size 8, top 32)     a last one without a neighbour goes up as it is

The three keys are public constants: a leaf can never pass for a parent (the tree of RFC 6962,
section 2.1, and its reason for tags). The root covers the size, so an address has one size.
"""

from collections.abc import Sequence

from blake3 import blake3

from dave.crypto.hashes import LEAF_KEY, PARENT_KEY, ROOT_KEY
from dave.share_limits import MERKLE_LEAF_BYTES

_HASH_BYTES = 32


def leaf_count(size: int) -> int:
    """Leaves of `size` bytes (1 or more)."""
    return -(-size // MERKLE_LEAF_BYTES)


def leaf_size(size: int, number: int) -> int:
    """Bytes of leaf `number` (from 0) of `size` bytes; only the last may be short."""
    return min(MERKLE_LEAF_BYTES, size - number * MERKLE_LEAF_BYTES)


def root(data: bytes | bytearray | memoryview) -> bytes:
    """The address of `data` (1 byte or more): 32 bytes. A share of 256 KiB takes about 90 us."""
    return root_of((data,))


def root_of(pieces: Sequence[bytes | bytearray | memoryview]) -> bytes:
    """The address of what the pieces are together; all but the last have whole leaves."""
    hashes = [leaf for piece in pieces for leaf in _leaves(piece)]
    while len(hashes) > 1:
        hashes = _parents(hashes)
    return _bound(sum(map(len, pieces)), hashes[0])


def path(data: bytes | bytearray | memoryview, number: int) -> tuple[bytes, bytes]:
    """Leaf `number` (below `leaf_count`) of `data`, and the hashes beside its way to the top, from
    below, joined: what `check` takes."""
    assert 0 <= number < leaf_count(len(data))
    start = number * MERKLE_LEAF_BYTES
    hashes = _leaves(data)
    beside = []
    at = number
    while len(hashes) > 1:
        if at ^ 1 < len(hashes):
            beside.append(hashes[at ^ 1])
        hashes = _parents(hashes)
        at >>= 1
    return bytes(data[start : start + MERKLE_LEAF_BYTES]), b"".join(beside)


def check(address: bytes, size: int, number: int, leaf: bytes, beside: bytes) -> bool:
    """Whether `leaf` is leaf `number` of the share with that address (32 bytes) and size.

    False, never an error, for any other bytes and numbers: leaf and path come from peers.
    """
    if not 0 <= number < leaf_count(size) or len(leaf) != leaf_size(size, number):
        return False
    top, at, offset = blake3(leaf, key=LEAF_KEY).digest(), number, 0
    width = leaf_count(size)
    while width > 1:
        if at ^ 1 < width:
            other = beside[offset : offset + _HASH_BYTES]
            offset += _HASH_BYTES
            top = blake3(other + top if at & 1 else top + other, key=PARENT_KEY).digest()
        at >>= 1
        width = (width + 1) >> 1
    return offset == len(beside) and _bound(size, top) == address


def _leaves(data: bytes | bytearray | memoryview) -> list[bytes]:
    assert len(data) > 0, "nothing has no address"
    view = memoryview(data)
    return [
        blake3(view[start : start + MERKLE_LEAF_BYTES], key=LEAF_KEY).digest()
        for start in range(0, len(data), MERKLE_LEAF_BYTES)
    ]


def _parents(hashes: list[bytes]) -> list[bytes]:
    above = [
        blake3(hashes[i] + hashes[i + 1], key=PARENT_KEY).digest()
        for i in range(0, len(hashes) - 1, 2)
    ]
    if len(hashes) & 1:
        above.append(hashes[-1])
    return above


def _bound(size: int, top: bytes) -> bytes:
    return blake3(size.to_bytes(8, "little") + top, key=ROOT_KEY).digest()
