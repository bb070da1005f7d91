"""Renewal of a file: its shares live longer where they are, and what is lacking is placed again.

    each row of the file -> a new record, dated now -> offered to who holds a share: no bytes move
    -> shares that nobody holds are rebuilt from k others, and placed as a put places them
    -> the same root again, as a new version of the entry

The reference stays, so that a record takes the place of the one before it, and one release ends all
of them. Nothing is read of the content but what rebuilding takes, and no block is decrypted.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from dave.crypto import merkle
from dave.edge.driver import Driver
from dave.edge.entries import Entries
from dave.edge.files.place import Placer
from dave.edge.files.put import root_of, shares_ttl
from dave.edge.files.rows import rows_of
from dave.edge.files.shares import Shares
from dave.edge.files.stripe_fetch import ShareSource, StripeFetch
from dave.edge.keyfile import Key
from dave.edge.limits import MAX_WORK_DEFAULT, RENEWAL_STRIPES_AT_ONCE
from dave.edge.receipt import Receipt
from dave.errors import EntryError, NotWhole, UsageError
from dave.files.stripes import rebuild
from dave.names import HybridTime, hybrid_ms, place_of
from dave.node.shares.lane import ShareData
from dave.share_limits import CODE_SHARES_MAX
from dave.wire.entry import Entry
from dave.wire.manifest import Root, Row
from dave.wire.stripe import StripeRecord, encode_record


class FileRenewal:
    """One renewal of a file of the owner of `key`, for `ttl` seconds from now on."""

    def __init__(
        self, driver: Driver, shares: Shares, key: Key, entry: Entry, ttl: int, timeout: float
    ) -> None:
        self._driver = driver
        self._shares = shares
        self._key = key
        self._entry = entry
        self._ttl = ttl
        self._timeout = timeout
        self._entries = Entries(driver, key)
        self._source = ShareSource(driver, shares)
        network = driver.core.network
        self._placer = Placer(shares, driver, network, MAX_WORK_DEFAULT)
        self.sent_bytes = 0
        """Of shares that were lacking."""

    async def run(self) -> Receipt:
        """Raises NotWhole where a part cannot be found, NotStored where too few nodes keep it, and
        as `Entries.put` with `cas`: who put something else meanwhile wins."""
        root = root_of(self._entry, self._key)
        if root is None:
            raise UsageError("that entry is no file's")
        # Later than the records before, whatever the clock says.
        began = max(self._entries.clock(), self._entry.time + 1)
        try:
            near = await self._shares.nearest(
                place_of(self._entry.id), CODE_SHARES_MAX, self._timeout
            )
            self._placer.greet(near)
            await self._renew_all(root, began)
        finally:
            self._placer.close()
            self._source.locator.close()
        passed_ms = hybrid_ms(self._entries.clock()) - hybrid_ms(began)
        left = (shares_ttl(self._ttl) * 1000 - passed_ms) // 1000
        if left <= 0:
            raise EntryError("to renew it takes longer than it is to live: give a longer --ttl")
        receipt = await self._entries.put(
            self._entry.key, self._entry.value, min(self._ttl, left), self._entry.flags,
            self._entry.time, self._timeout,
        )  # fmt: skip
        receipt.size = root.size
        return receipt

    async def _renew_all(self, root: Root, began: HybridTime) -> None:
        """A few stripes at a time."""
        under_way = deque[Any]()
        try:
            async for row in rows_of(root, self._driver, self._shares):
                if len(under_way) == RENEWAL_STRIPES_AT_ONCE:
                    await self._driver.join(under_way.popleft())
                under_way.append(self._driver.spawn(self._renew(row, root.reference, began)))
            while under_way:
                await self._driver.join(under_way.popleft())
        finally:
            for task in under_way:
                task.cancel()

    async def _renew(self, row: Row, reference: bytes, began: HybridTime) -> None:
        bare = StripeRecord(
            encode_record(
                self._key.owner, reference, began, shares_ttl(self._ttl), row.shape,
                b"".join(row.addresses),
            )
        )  # fmt: skip
        signature = self._key.sign(bare.signed_bytes(self._driver.core.network))
        record = await self._placer.stamped(bare.with_proofs(signature, bytes(8)))

        async def rebuilt(numbers: Sequence[int]) -> dict[int, ShareData]:
            fetch = StripeFetch(self._source, row, range(row.shape.k), "a part of it")
            return await self._driver.offload(_rebuilt, row, await fetch.run(), numbers)

        placed = await self._placer.extend(record, rebuilt)
        self.sent_bytes += placed.sent_bytes


def _rebuilt(row: Row, have: dict[int, bytes], numbers: Sequence[int]) -> dict[int, ShareData]:
    made = rebuild(row.shape, have, numbers)
    if any(merkle.root(share) != row.addresses[number] for number, share in made.items()):
        raise NotWhole("the shares of a part of it do not belong together: put the file again")
    return dict(made)
