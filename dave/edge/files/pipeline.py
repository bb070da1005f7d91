"""Content in, root out: read, cut, seal, sign, place, and the manifests that grow meanwhile.

    read k blocks → their keys → known? → seal (threads) → record, stamp → n shares to n nodes → row

Each stripe is a task; they end in the order of their rows, and there are so many of them under way
as bytes in flight allow. A slow link is given fewer: a share that waits longer behind others than a
node may take would be taken for lost.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from dave.crypto.network import Network
from dave.edge.driver import Driver
from dave.edge.files.place import Placer
from dave.edge.files.receipt import Tally
from dave.edge.files.rows import KnownRows
from dave.edge.files.source import Source
from dave.edge.files.upload_journal import Upload, UploadJournal, fingerprint_of
from dave.edge.keyfile import Key
from dave.edge.limits import (
    UPLOAD_IN_FLIGHT_BYTES,
    UPLOAD_PAUSE_SECONDS,
    UPLOAD_STRIPE_SECONDS,
    UPLOAD_STRIPES_FIRST,
    UPLOAD_STRIPES_MAX,
)
from dave.files.blocks import BlockKeys, Buffer
from dave.files.code import Code
from dave.files.stripes import SealedStripe, seal
from dave.files.tree import Growth
from dave.names import SECOND
from dave.node.shares.lane import ShareData
from dave.share_limits import BLOCK_BYTES
from dave.wire.manifest import FileKind, Level, Root, Row
from dave.wire.stripe import StripeRecord, encode_record


class Prepared(NamedTuple):
    """A stripe, ready to be placed, or stored already."""

    row: Row
    fingerprint: bytes
    record: StripeRecord | None
    """None: it was stored a moment ago, nothing is left to do."""
    shares: Sequence[ShareData]
    is_known: bool
    was_stored: bool = False
    """By an earlier attempt of this upload: whether it is still kept is to be asked."""


class Maker:
    """Turns blocks into a signed stripe; everything in it runs in threads."""

    def __init__(
        self,
        key: Key,
        network: Network,
        upload: Upload,
        keys: BlockKeys,
        journal: UploadJournal,
        known: KnownRows,
    ) -> None:
        self._key = key
        self._network = network
        self._upload = upload
        self._keys = keys
        self._journal = journal
        self._known = known

    def prepare(self, blocks: Sequence[Buffer], level: int, number: int) -> Prepared:
        """Stripe `number` of a level, of 1 to k blocks."""
        first, upload = number * self._upload.k, self._upload
        keys = [self._keys.of(block, level, first + i) for i, block in enumerate(blocks)]
        fingerprint = fingerprint_of(b"".join(keys))
        code = Code(upload.k, upload.n)
        done = self._journal.row(fingerprint)
        was_stored = self._journal.was_found(fingerprint)
        if done is not None and not was_stored:
            return Prepared(Row.read(done), fingerprint, None, (), True)
        known = self._known.row(fingerprint) if done is None else Row.read(done)
        shape = Level(sum(map(len, blocks)), *code).shape(0)
        if known is not None and known.shape == shape:
            made = _Later(partial(seal, blocks, keys, code))
            shares: Sequence[ShareData] = [partial(made.share, i) for i in range(known.shape.n)]
            return Prepared(known, fingerprint, self._record(known), shares, True, was_stored)
        sealed = seal(blocks, keys, code)
        record = self._record(sealed.row)
        return Prepared(sealed.row, fingerprint, record, sealed.shares, False)

    def _record(self, row: Row) -> StripeRecord:
        upload = self._upload
        bare = StripeRecord(
            encode_record(
                self._key.owner, upload.reference, upload.time, upload.ttl, row.shape,
                b"".join(row.addresses),
            )
        )  # fmt: skip
        return bare.with_proofs(self._key.sign(bare.signed_bytes(self._network)), bytes(8))


class InFlight:
    """How many bytes of shares are on their way, over all uploads of a client."""

    def __init__(self, most: int = UPLOAD_IN_FLIGHT_BYTES) -> None:
        self._most = most
        self._bytes = 0

    def take(self, count: int) -> bool:
        """Room for so many bytes, if there is; always, while nothing is on its way."""
        if self._bytes and self._bytes + count > self._most:
            return False
        self._bytes += count
        return True

    def give(self, count: int) -> None:
        """They have arrived."""
        self._bytes -= count


class Pipeline:
    """One upload on its way. `on_stripe` is told the bytes of content that are
    stored, and those of shares that were sent."""

    def __init__(
        self,
        driver: Driver,
        maker: Maker,
        placer: Placer,
        journal: UploadJournal,
        code: Code,
        room: int,
        on_stripe: Callable[[int, int], None],
        in_flight: InFlight,
    ) -> None:
        self._driver = driver
        self._maker = maker
        self._placer = placer
        self._journal = journal
        self._code = code
        self._growth = Growth(code.k, code.n, room)
        self._on_stripe = on_stripe
        self._in_flight = in_flight
        self._held = 0
        """Bytes of that room that this upload has."""
        self._stripe_bytes = code.n * BLOCK_BYTES
        self._window = float(UPLOAD_STRIPES_FIRST)
        self._under_way: deque[tuple[int, int, Any]] = deque()
        """(level, bytes, task), in the order in which their rows are wanted."""
        self.done = 0
        self.sent = 0
        self.stripes = 0
        self.reused = 0
        self._spare = code.n - code.k

    async def run(self, source: Source, reference: bytes) -> Root:
        """Store all that the source gives. Raises NotStored, NetworkError, FileChanged, OSError."""
        number = 0
        try:
            while True:
                await self._room()
                data = await source.read(self._code.k * BLOCK_BYTES)
                if not data:
                    break
                self._begin(_cut(data), 0, number, len(data))
                number += 1
                del data
            self._give(self._stripe_bytes)
            while self._under_way:
                await self._end_one()
            self._growth.close()
            self._grow()
            while self._under_way:
                await self._end_one()
        finally:
            for _, _, task in self._under_way:
                task.cancel()
            self._give(self._held)
        kind = FileKind.FOLDER if source.is_folder else FileKind.FILE
        return self._growth.root(kind, self.done, reference)

    def tally(self) -> Tally:
        """How it went so far."""
        return Tally(
            self._code, len(self._placer.holders), self.stripes, self.reused, self._spare,
            self.sent, self._placer.hashes_tried, tuple(self._placer.refused.most_common()),
        )  # fmt: skip

    async def _room(self) -> None:
        """Wait until another stripe may be under way."""
        while len(self._under_way) >= int(self._window):
            await self._end_one()
        while not self._in_flight.take(self._stripe_bytes):
            if self._under_way:
                await self._end_one()
            else:
                await self._driver.sleep(UPLOAD_PAUSE_SECONDS)
        self._held += self._stripe_bytes

    def _give(self, count: int) -> None:
        """A stripe, or all that there are, take up no room any more."""
        count = min(count, self._held)
        self._held -= count
        self._in_flight.give(count)

    def _begin(self, blocks: Sequence[Buffer], level: int, number: int, size: int) -> None:
        task = self._driver.spawn(self._store(blocks, level, number))
        self._under_way.append((level, size, task))

    async def _end_one(self) -> None:
        level, size, task = self._under_way[0]
        row: Row = await self._driver.join(task)
        self._under_way.popleft()
        self._growth.add(row, level)
        self._grow()
        if not level:
            self.done += size
            self._on_stripe(self.done, self.sent)
        if self._journal.wants_sync:
            with suppress(OSError):
                await self._driver.offload(self._journal.sync)

    def _grow(self) -> None:
        while (wanted := self._growth.next()) is not None:
            self._begin(wanted.blocks, wanted.level, wanted.number, 0)

    async def _store(self, blocks: Sequence[Buffer], level: int, number: int) -> Row:
        try:
            prepared = await self._driver.offload(self._maker.prepare, blocks, level, number)
            del blocks  # once it is sealed, its room is better used
            self.stripes += 1
            self.reused += prepared.is_known
            if prepared.record is not None and not await self._is_kept(prepared):
                await self._place(prepared, prepared.record)
            return prepared.row
        finally:
            if not level:
                self._give(self._stripe_bytes)

    async def _is_kept(self, prepared: Prepared) -> bool:
        """Whether nodes still say that they hold what an earlier attempt has stored: they may have
        left since, or made room for others."""
        if not prepared.was_stored:
            return False
        shape = prepared.row.shape
        kept = await self._placer.kept(prepared.row.stripe_id)
        if kept < min(shape.n, shape.k + 1):
            return False
        self._spare = min(self._spare, kept - shape.k)
        return True

    async def _place(self, prepared: Prepared, record: StripeRecord) -> None:
        record = await self._placer.stamped(record)
        started = self._driver.now()
        placed = await self._placer.place(record, prepared.shares)
        self._adapt((self._driver.now() - started) / SECOND)
        self.sent += placed.sent_bytes
        self._spare = min(self._spare, placed.stored - prepared.row.shape.k)
        with suppress(OSError):  # it is stored, whether or not there is room here to note it
            self._journal.stored(prepared.fingerprint, prepared.row.encode())

    def _adapt(self, seconds: float) -> None:
        """One stripe more under way with each that was quick, half as many after a slow one."""
        if seconds < UPLOAD_STRIPE_SECONDS:
            self._window = min(UPLOAD_STRIPES_MAX, self._window + 1 / self._window)
        else:
            self._window = max(1.0, self._window / 2)


class _Later:
    """A stripe that nodes should hold, sealed only if one wants a share after all."""

    def __init__(self, make: Callable[[], SealedStripe]) -> None:
        self._make = make
        self._made: SealedStripe | None = None
        self._lock = Lock()

    def share(self, number: int) -> Buffer:
        """Share `number`."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made.shares[number]


def _cut(data: bytes) -> list[Buffer]:
    view = memoryview(data)
    return [view[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)]
