"""Audits of shares, on a stream of kind 21: which shares of these stripes do you hold, and what
stands in these leaves?

To say that one holds a share is a promise, which a later audit tests by a random leaf (16 KiB) and
its path to the root, which is the share's address. What is asked of many shares thus costs some
bytes each, and what is shown of one cannot be known before.

    request        kind 21 | leaves 1 | (address 32 | leaf number 2) ... | stripe id 32 ...
    held piece     mask 4 for each stripe          the first piece, if stripes were named
    leaf piece     size 4 | leaf | path            one for each leaf; size 0: not held, no more
                                                                        integers little-endian
"""

from struct import Struct
from typing import NamedTuple, Self

from dave.errors import WireError
from dave.limits import STREAM_REQUEST_BYTES_MAX
from dave.share_limits import (
    AUDIT_LEAVES_MAX,
    CODE_SHARES_MAX,
    MERKLE_LEAF_BYTES,
    MERKLE_PATH_HASHES_MAX,
    SHARE_ADDRESS_BYTES,
    STRIPE_BATCH,
)
from dave.wire.stream_kind import StreamKind

_head = Struct("<BB")
_leaf = Struct(f"<{SHARE_ADDRESS_BYTES}sH")
_u32 = Struct("<I")
HASH_BYTES = SHARE_ADDRESS_BYTES
"""Of a stripe's id, and of each step of a path, too."""
_PATH_BYTES_MAX = MERKLE_PATH_HASHES_MAX * HASH_BYTES
_MASK_MAX = (1 << CODE_SHARES_MAX) - 1


class LeafAsked(NamedTuple):
    """A leaf to be shown."""

    address: bytes
    """Of the share: 32 bytes."""
    number: int
    """0 is the first leaf; below 2^16."""


class AuditRequest(NamedTuple):
    """Say which shares of these stripes you hold, and show these leaves."""

    leaves: tuple[LeafAsked, ...]
    """At most AUDIT_LEAVES_MAX."""
    stripes: tuple[bytes, ...]
    """Stripe ids; at most `stripes_room(len(leaves))`."""

    def encode(self) -> bytes:
        parts = [_head.pack(StreamKind.AUDIT, len(self.leaves))]
        parts += [_leaf.pack(*asked) for asked in self.leaves]
        return b"".join((*parts, *self.stripes))

    @classmethod
    def read(cls, data: bytes) -> Self:
        if not _head.size < len(data) <= STREAM_REQUEST_BYTES_MAX:
            raise WireError(f"{len(data)} bytes are no request of an audit")
        kind, count = _head.unpack_from(data)
        start = _head.size + count * _leaf.size
        if kind != StreamKind.AUDIT or count > AUDIT_LEAVES_MAX:
            raise WireError(f"kind {kind} with {count} leaves, not {StreamKind.AUDIT} with few")
        if start > len(data) or (len(data) - start) % HASH_BYTES:
            raise WireError("leaves and stripes of an audit do not fill it")
        leaves = tuple(
            LeafAsked._make(each) for each in _leaf.iter_unpack(data[_head.size : start])
        )
        ends = range(start, len(data), HASH_BYTES)
        return cls(leaves, tuple(data[at : at + HASH_BYTES] for at in ends))


class HeldMasks(NamedTuple):
    """Which shares of each stripe asked for are held: bit i stands for share i."""

    masks: tuple[int, ...]

    def encode(self) -> bytes:
        return b"".join(map(_u32.pack, self.masks))

    @classmethod
    def read(cls, data: bytes) -> Self:
        if not data or len(data) % _u32.size:
            raise WireError(f"{len(data)} bytes are no masks")
        masks = tuple(mask for (mask,) in _u32.iter_unpack(data))
        if max(masks) > _MASK_MAX:
            raise WireError(f"a share beyond the {CODE_SHARES_MAX} that a stripe may have")
        return cls(masks)


class LeafShown(NamedTuple):
    """One leaf of a share; an empty one where the share is not held."""

    leaf: bytes
    path: bytes

    def encode(self) -> bytes:
        return _u32.pack(len(self.leaf)) + self.leaf + self.path

    @classmethod
    def read(cls, data: bytes) -> Self:
        if len(data) < _u32.size:
            raise WireError(f"{len(data)} bytes are no leaf")
        size = _u32.unpack_from(data)[0]
        end = _u32.size + size
        path = len(data) - end
        if size > MERKLE_LEAF_BYTES or not 0 <= path <= _PATH_BYTES_MAX or path % HASH_BYTES:
            raise WireError(f"a leaf of {size} bytes among {len(data)}")
        if not size and path:
            raise WireError("a path without a leaf")
        return cls(data[_u32.size : end], data[end:])


LACKING = LeafShown(b"", b"")


def stripes_room(leaves: int) -> int:
    """How many stripes a request can name beside so many leaves."""
    return (STREAM_REQUEST_BYTES_MAX - _head.size - leaves * _leaf.size) // HASH_BYTES


assert stripes_room(AUDIT_LEAVES_MAX) >= 0
assert stripes_room(1) >= STRIPE_BATCH
