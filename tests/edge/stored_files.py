"""Files as a put leaves them, on nodes in memory: `store` places all shares and gives the root."""

import random

from dave.files.blocks import convergent
from dave.files.code import Code
from dave.files.stripes import seal
from dave.files.tree import Growth
from dave.share_limits import BLOCK_BYTES, ROOT_ROWS_BYTES_MIN
from dave.wire.manifest import FileKind
from dave.wire.stripe import StripeRecord, encode_record, place_of_stripe

OWNER = bytes(range(32))
REFERENCE = bytes(range(16))
KEYS = convergent(bytes(32))


def content(size, seed=0):
    """So many bytes, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def store(shares, data, k=4, n=6, *, kind=FileKind.FILE, room=ROOT_ROWS_BYTES_MIN):
    """Place a content on the nodes of `shares` (fake_shares.py); its root."""
    growth = Growth(k, n, room)
    number = 0
    for at in range(0, len(data), k * BLOCK_BYTES):
        growth.add(_place(shares, data[at : at + k * BLOCK_BYTES], Code(k, n), 0, number))
        number += k
        _grow(shares, growth, Code(k, n))
    growth.close()
    _grow(shares, growth, Code(k, n))
    return growth.root(kind, len(data), REFERENCE)


def _grow(shares, growth, code):
    while (wanted := growth.next()) is not None:
        data = b"".join(wanted.blocks)
        row = _place(shares, data, code, wanted.level, wanted.number * code.k)
        growth.add(row, wanted.level)


def _place(shares, data, code, level, number):
    blocks = [data[i : i + BLOCK_BYTES] for i in range(0, len(data), BLOCK_BYTES)]
    keys = [KEYS.of(block, level, number + i) for i, block in enumerate(blocks)]
    row, made = seal(blocks, keys, code)
    place_row(shares, row, made)
    return row


def place_row(shares, row, made):
    """Share i to the i-th nearest node."""
    addresses = b"".join(row.addresses)
    record = StripeRecord(encode_record(OWNER, REFERENCE, 1 << 16, 3600, row.shape, addresses))
    place = place_of_stripe(row.stripe_id)
    nodes = sorted(shares.nodes, key=lambda node: node.peer.id ^ place)
    for index, share in enumerate(made):
        nodes[index % len(nodes)].take(record, index, bytes(share))
