"""A stripe: from blocks to shares and back. Plain work on bytes, for whichever thread there is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dave.crypto import merkle
from dave.effects import Rebuild
from dave.errors import WireError
from dave.files.blocks import CRYPT_SLACK_BYTES, Buffer, crypt
from dave.files.code import Code, parity, recover
from dave.share_limits import BLOCK_BYTES
from dave.wire.manifest import Row
from dave.wire.stripe import Shape


class SealedStripe(NamedTuple):
    """What `seal` makes."""

    row: Row
    """For the manifest; the shares' addresses and sizes are what the stripe record says."""
    shares: tuple[Buffer, ...]
    """All n, in order; views of one buffer, or copies of one."""


def seal(blocks: Sequence[Buffer], keys: Sequence[bytes], code: Code) -> SealedStripe:
    """Encrypt blocks, each under its key (32 bytes, blocks.py), and add n - k shares of parity.

    There are k blocks, or fewer at the end. All blocks but the last have 256 KiB; none is empty.
    """
    k, share_bytes, last_bytes = len(blocks), len(blocks[0]), len(blocks[-1])
    assert k <= code.k
    assert all(len(block) == BLOCK_BYTES for block in blocks[:-1])
    # One buffer, zeroed: so the last block is padded for coding, and nothing is copied.
    room = memoryview(bytearray(k * share_bytes + CRYPT_SLACK_BYTES))
    for i, (key, block) in enumerate(zip(keys, blocks, strict=True)):
        crypt(key, block, room[i * share_bytes :])
    room = room.toreadonly()
    padded = [room[i * share_bytes : (i + 1) * share_bytes] for i in range(k)]
    shares = (*padded[:-1], padded[-1][:last_bytes], *parity(padded, code.n - code.k))
    shape = Shape(k, k + code.n - code.k, share_bytes, last_bytes)
    addresses = [merkle.root(share) for share in (shares if k > 1 else shares[:1])]
    if k == 1:
        addresses *= shape.n
    return SealedStripe(Row(shape, tuple(addresses), tuple(keys)), shares)


def unseal(row: Row, shares: Mapping[int, Buffer], first: int, last: int) -> list[Buffer]:
    """Blocks `first` to `last` (exclusive, at most k) of a stripe, decrypted.

    shares: by number, each checked against its address: those very blocks, or any k. Raises
    WireError where the shares do not belong together: whoever made the stripe made it so.
    """
    shape = row.shape
    assert 0 <= first < last <= shape.k
    _check_sizes(shape, shares)
    if all(number in shares for number in range(first, last)):
        sealed = [shares[number] for number in range(first, last)]
    else:
        wanted = range(first, last)
        rebuilt = rebuild(shape, shares, wanted)
        if any(merkle.root(rebuilt[i]) != row.addresses[i] for i in wanted if i not in shares):
            raise WireError("the shares of a stripe do not belong together")
        sealed = [rebuilt[number] for number in wanted]
    return [_decrypted(key, share) for key, share in zip(row.keys[first:last], sealed, strict=True)]


def rebuild(shape: Shape, shares: Mapping[int, Buffer], wanted: Sequence[int]) -> dict[int, Buffer]:
    """The shares `wanted`, by number, from any k of a stripe; no key is needed. Whether they are
    what their addresses say is for the caller to check. Raises WireError for a share of another
    size than the stripe's."""
    _check_sizes(shape, shares)
    k, n, share_bytes, last_bytes = shape
    data = recover(k, n, {number: _padded(share, share_bytes) for number, share in shares.items()})
    found: dict[int, Buffer] = {number: data[number] for number in wanted if number < k}
    if k - 1 in found:
        found[k - 1] = memoryview(data[k - 1])[:last_bytes]
    if any(number >= k for number in wanted):
        more = parity(data, n - k)
        found |= {number: more[number - k] for number in wanted if number >= k}
    return found


def rebuilt(effect: Rebuild) -> list[bytes]:
    """What that effect of a node asks for."""
    made = rebuild(Shape(*effect.shape), effect.shares, effect.wanted)
    return [bytes(made[number]) for number in effect.wanted]


def _check_sizes(shape: Shape, shares: Mapping[int, Buffer]) -> None:
    # An address fixes its share's size, but who made the stripe may have given it another's.
    if any(len(share) != shape.size(number) for number, share in shares.items()):
        raise WireError("a share is not of the size that its stripe says")


def _padded(share: Buffer, size: int) -> Buffer:
    return share if len(share) == size else bytes(share).ljust(size, b"\0")


def _decrypted(key: bytes, share: Buffer) -> Buffer:
    room = memoryview(bytearray(len(share) + CRYPT_SLACK_BYTES))
    crypt(key, share, room)
    return room[: len(share)]
