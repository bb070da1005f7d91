"""Shares with their true addresses, records of them, and the core and driver that a keeper asks."""

import asyncio
import random
from collections.abc import Callable

from dave.crypto import merkle
from dave.edge.folder import DataFolder
from dave.edge.journal_writer import Sync
from dave.edge.shares.keeper import ShareKeeper
from dave.effects import DropShares, ReadShare, SaveRecord, SaveRelease, WriteShare
from dave.names import hybrid_time
from dave.store.shares import ShareIndex
from dave.wire.stripe import Release, StripeRecord, encode_record, encode_release
from tests.store.helpers import CLOSED, DAY, NOW, owner

WAIT = 20
"""Seconds after which a test that waits has failed."""


def share(n: int, size: int = 3000) -> bytes:
    return random.Random(n).randbytes(size)


def record_of(*shares: bytes, upload: int = 1, at: int = NOW, ttl: int = 86_400) -> StripeRecord:
    """A stripe of copies, as far as the record tells: all of one size."""
    addresses = b"".join(map(merkle.root, shares))
    shape = 1, len(shares), len(shares[0]), len(shares[0])
    reference = upload.to_bytes(16, "big")
    return StripeRecord(encode_record(owner(1), reference, hybrid_time(at), ttl, shape, addresses))


def key_of(record: StripeRecord):
    return record.stripe_id, record.owner, record.reference


def release_of(upload: int) -> Release:
    return Release(encode_release(owner(1), upload.to_bytes(16, "big"), hybrid_time(NOW)))


class Scene:
    """A keeper in a folder, and who asks it. Inside of a running loop."""

    def __init__(self, path, *, sync=Sync.ALWAYS, capacity=1 << 30, now=NOW):
        self.folder = DataFolder(path)
        self.index = ShareIndex(7, 0, CLOSED, DAY)
        self.keeper = ShareKeeper(self.folder, self.index, sync, capacity, now)
        self.keeper.start(self, self)
        self.answers: dict[int, object] = {}
        self.then: dict[int, Callable[[bool], None]] = {}
        self.flushes = 0
        self.wall_ms = now
        self._last = 0
        self._came = asyncio.Event()

    # What the keeper calls.

    def share_answered(self, ticket, result, now):
        self.answers[ticket] = result
        self._came.set()
        if ticket in self.then:
            self.then.pop(ticket)(result)

    def now(self):
        return 0

    def flush(self):
        self.flushes += 1

    # What a test does.

    def ticket(self):
        self._last += 1
        return self._last

    async def answer(self, ticket):
        while ticket not in self.answers:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), WAIT)
        return self.answers[ticket]

    def put(self, data: bytes, record: StripeRecord, number: int = 0) -> int:
        """As the service of shares does: judge, write, insert. Returns the ticket."""
        now = self.wall_ms
        ticket, verdict = self.ticket(), self.index.judge(record, number, now)

        def written(ok):
            if ok:
                is_written = not verdict.is_new
                done = self.index.insert(record, number, now, is_written=is_written)
                self.keeper.carry_out(drop(done.gone))

        self.then[ticket] = written
        if verdict.is_new:
            self.keeper.carry_out(SaveRecord(ticket, record.data, verdict.mask))
        else:
            assert verdict.status.name == "WANTED", verdict
            cut = len(data) // 2
            pieces = (data[:cut], data[cut:])
            self.keeper.carry_out(
                WriteShare(ticket, merkle.root(data), pieces, record.data, verdict.mask)
            )
        return ticket

    async def keep(self, *shares: bytes, **fields) -> StripeRecord:
        """All shares of a stripe, each acknowledged."""
        record = record_of(*shares, **fields)
        for number, data in enumerate(shares):
            assert await self.answer(self.put(data, record, number)) is True
        return record

    async def release(self, upload: int) -> int:
        word, ticket = release_of(upload), self.ticket()
        count, gone = self.index.release(word)
        self.keeper.carry_out(drop(gone))
        self.keeper.carry_out(SaveRelease(ticket, word.owner, word.reference))
        assert await self.answer(ticket) is True
        return count

    async def read(self, data: bytes, offset: int = 0, size: int = 1 << 18):
        ticket = self.ticket()
        self.keeper.carry_out(ReadShare(ticket, merkle.root(data), offset, size))
        return await self.answer(ticket)

    async def close(self) -> None:
        await asyncio.to_thread(self.keeper.close)
        await asyncio.sleep(0)  # reports that were on their way
        self.folder.close()


def drop(gone):
    return DropShares(*gone)


def files_in(folder) -> dict[str, bytes]:
    """{name: bytes} of the files below a folder."""
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
