"""Signed stripes of one owner, and asyncio stories with a driver that has no network."""

import asyncio
import random

import dave
from dave.edge.files.upload_journal import Upload
from dave.files.blocks import convergent
from dave.files.code import Code
from dave.files.stripes import seal
from dave.names import hybrid_time
from dave.wire.stripe import StripeRecord, encode_record
from tests.edge.drivers import asyncio_driver
from tests.processes import PATIENCE_SECONDS

KEY = dave.Key.from_seed(bytes(range(32)))
UPLOAD = Upload(b"u" * 16, hybrid_time(1_800_000_000_000), 3600, 4, 6, b"")


def sealed(size, code=(4, 6), seed=1):
    """One stripe of `size` bytes."""
    k, _ = code
    data = random.Random(seed).randbytes(size)
    blocks = (
        [data]
        if size <= 256 << 10
        else [data[i : i + (256 << 10)] for i in range(0, size, 256 << 10)]
    )
    assert len(blocks) <= k
    keys = [convergent(KEY.seed).of(block, 0, i) for i, block in enumerate(blocks)]
    return seal(blocks, keys, Code(*code))


def signed(row, network, reference=UPLOAD.reference):
    """The record of a stripe, signed, without a stamp."""
    addresses = b"".join(row.addresses)
    bare = StripeRecord(
        encode_record(KEY.owner, reference, UPLOAD.time, UPLOAD.ttl, row.shape, addresses)
    )
    return bare.with_proofs(KEY.sign(bare.signed_bytes(network)), bytes(8))


def story(function):
    """Run `function(driver)` in an event loop, but not for ever."""

    async def run():
        with asyncio_driver() as driver:
            await asyncio.wait_for(function(driver), PATIENCE_SECONDS)

    asyncio.run(run())
