"""Entries as they are: signed, stamped and put; found and verified.

What the verbs of edge/client.py and the directory (edge/directory.py) are made of.
"""

from typing import Any

from dave.crypto import hashes
from dave.crypto.work import entry_work, meets
from dave.edge.driver import Driver, Progress
from dave.edge.failures import network_error, too_few_answered
from dave.edge.keyfile import Key
from dave.edge.limits import MAX_WORK_DEFAULT, TIMEOUT_SECONDS_DEFAULT
from dave.edge.receipt import Receipt
from dave.errors import Conflict, EntryError, NetworkError, NotStored, UsageError
from dave.limits import CLOCK_AHEAD_MS_MAX, SURPLUS_BITS_MAX, WORK_MIN
from dave.names import SECOND, EntryId, HybridTime, UnixMs, hybrid_ms, hybrid_time
from dave.node.results import Found, GetResult, Outcome, PutResult, is_genuine
from dave.wire.entry import Entry, check_fields, encode
from dave.wire.status import PutStatus


class Entries:
    """Puts and gets entries by a driver, signing with `key`."""

    def __init__(self, driver: Driver, key: Key | None) -> None:
        self.driver = driver
        self._key = key
        self.trace: list[Any] = []
        """The steps of the last lookup."""

    async def get(
        self, entry_id: EntryId, timeout: float = TIMEOUT_SECONDS_DEFAULT, quorum: int = 2
    ) -> GetResult:
        """Find the newest version; `quorum` nodes must agree, 0: ask all that should hold it.

        timeout: seconds. Raises Unreachable if too few answered to say anything, OtherNetwork.
        """
        driver = self.driver
        now = driver.now()
        operation = driver.core.get(entry_id, now, now + int(timeout * 1e9), quorum)
        driver.flush()
        result: GetResult = await driver.wait(operation)
        self.trace = result.trace
        if result.found is Found.UNREACHABLE and result.answered:
            raise too_few_answered(result.answered, result.asked)
        if result.found is Found.UNREACHABLE:
            raise network_error([reason for _, reason in result.failures], driver.edges_text())
        return result

    async def put(
        self,
        key: bytes,
        value: bytes,
        ttl: int,
        flags: int = 0,
        cas: HybridTime | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        max_work: int = MAX_WORK_DEFAULT,
        progress: Progress | None = None,
    ) -> Receipt:
        """Sign, stamp and hand out one entry; returns at quorum. Arguments and errors as in
        `Client.put`; `flags` as in wire/entry.py."""
        if self._key is None:
            raise UsageError("a put needs the owner's key: pass key=dave.Key.load(path)")
        check_fields(key, value, ttl)
        if cas is not None:
            _check_cas(cas, self.clock())
        started = self.driver.now()
        floor = 0 if cas is None else cas + 1
        bits, hashes_tried = 0, 0
        for is_last in (False, True):
            stamped, tried = await self._sign(
                key, value, ttl, flags, max(self.clock(), floor), bits, progress
            )
            hashes_tried += tried
            result, receipt = await self._hand_out(stamped, cas, timeout)
            receipt.work_hashes = hashes_tried
            receipt.seconds = (self.driver.now() - started) / SECOND
            if is_last:
                break
            newer = self._newer(result, stamped) if cas is None or not result.stored else None
            if newer is not None and (cas is None or (newer.is_tombstone and cas == 0)):
                floor = newer.time + 1
            elif not result.has_quorum and (short := _bits_short(result, stamped, max_work)):
                bits = short
            else:
                break
        await self._judge(receipt, result, stamped, cas, timeout)
        return receipt

    async def hand_on(
        self, entry: Entry, cas: HybridTime | None = None, timeout: float = TIMEOUT_SECONDS_DEFAULT
    ) -> Receipt:
        """As `Client.put_entry`."""
        self._check_proofs(entry)
        if cas is not None:
            _check_cas(cas, self.clock())
        started = self.driver.now()
        result, receipt = await self._hand_out(entry, cas, timeout)
        receipt.seconds = (self.driver.now() - started) / SECOND
        receipt.size = len(entry.value)
        if not result.has_quorum and (newer := self._newer(result, entry)) is not None:
            raise Conflict("a newer version stands", newer)
        await self._judge(receipt, result, entry, cas, timeout)
        return receipt

    async def _hand_out(
        self, entry: Entry, cas: HybridTime | None, timeout: float
    ) -> tuple[PutResult, Receipt]:
        """Have nodes store a finished entry, until a quorum has or nobody else is to be asked."""
        driver = self.driver
        now = driver.now()
        operation = driver.core.put(entry, now, now + int(timeout * 1e9), cas)
        driver.flush()
        result: PutResult = await driver.wait(operation)
        self.trace = result.trace
        return result, Receipt(entry, result, driver, operation)

    def _check_proofs(self, entry: Entry) -> None:
        """Raise EntryError for what no node would take."""
        network = self.driver.core.network
        if self.unix_ms() >= entry.expires_ms:
            raise EntryError("the entry's lifetime is over: only its owner can put it anew")
        stamp = hashes.entry_stamp(entry.digest(network), entry.nonce)
        work = entry_work(len(entry.data), entry.ttl)
        if network.asks_work and not meets(stamp, work):
            raise EntryError(f"the entry's stamp is not worth the {work:,} hashes that are asked")
        if not is_genuine(entry, network):
            raise EntryError("the entry's signature is not its owner's, for this network")

    async def _judge(
        self,
        receipt: Receipt,
        result: PutResult,
        entry: Entry,
        cas: HybridTime | None,
        timeout: float,
    ) -> None:
        """Raise unless the put did what was asked."""
        if not any(outcome.ack for outcome in result.outcomes):
            failures = [outcome.failure for outcome in result.outcomes if outcome.failure]
            raise network_error(failures, self.driver.edges_text())
        if cas is not None:
            winner = await self._winner(entry.id, timeout, receipt)
            if winner is not None and winner.same_version(entry.data) and result.has_quorum:
                return
            if winner is not None and not winner.same_version(entry.data):
                gone = "the key was deleted: to put it anew, expect none (cas 0)"
                stands = "another version stands; read it and put again"
                raise Conflict(gone if winner.is_tombstone else stands, winner)
            if any(_status(o) is PutStatus.CONFLICT for o in result.outcomes):
                raise Conflict("no version stands, so the one expected is gone", None)
            if result.has_quorum:
                raise NotStored("stored, but not there when it was read again: put again", receipt)
        if not result.has_quorum:
            raise NotStored(
                f"stored by {result.stored} of {receipt.asked} nodes, {result.quorum} are needed",
                receipt,
            )

    async def _winner(self, entry_id: bytes, timeout: float, receipt: Receipt) -> Entry | None:
        """The version that stands after a compare-and-set."""
        steps = self.trace
        try:
            return (await self.get(entry_id, timeout, 0)).entry
        except NetworkError as error:
            raise NotStored(
                f"whether it won is not known, since reading it again failed: {error}", receipt
            ) from error
        finally:
            self.trace = [*steps, *self.trace]

    async def _sign(
        self,
        key: bytes,
        value: bytes,
        ttl: int,
        flags: int,
        at: HybridTime,
        bits: int,
        progress: Progress | None,
    ) -> tuple[Entry, int]:
        """A signed entry with a stamp `bits` better than asked, and how many hashes it took."""
        assert self._key is not None
        network = self.driver.core.network
        bare = Entry(encode(self._key.owner, key, value, at, ttl, flags))
        signed = bare.signed_bytes(network)
        nonce, tried = bytes(8), 0
        if network.asks_work:
            work = entry_work(len(bare.data), ttl) << bits
            prefix = hashes.ENTRY_STAMP_TAG + hashes.entry_digest(signed)
            nonce, tried = await self.driver.search(prefix, work, progress)
            self.driver.core.tally.hashes += tried
        return bare.with_proofs(self._key.sign(signed), nonce), tried

    def unix_ms(self) -> UnixMs:
        """The wall clock."""
        return self.driver.core.unix_ms(self.driver.now())

    def clock(self) -> HybridTime:
        """What an entry signed now is dated, at least."""
        return hybrid_time(self.unix_ms())

    def _newer(self, result: PutResult, mine: Entry) -> Entry | None:
        """The newest version that stands in the way, if a node proves there is one."""
        newest: Entry | None = None
        network = self.driver.core.network
        for outcome in result.outcomes:
            held = outcome.ack.held if outcome.ack else None
            if held is None or held.id != mine.id or held.time < mine.time:
                continue
            if not is_genuine(held, network):
                continue
            if newest is None or held.time > newest.time:
                newest = held
        if newest is not None:
            ahead = hybrid_ms(newest.time) - hybrid_ms(self.clock())
            if ahead > CLOCK_AHEAD_MS_MAX:
                raise EntryError(
                    f"a version of this key is dated {ahead / 1000:.0f} s ahead of this machine's "
                    "clock: set the clock, or wait until then"
                )
        return newest


def _status(outcome: Outcome) -> PutStatus | None:
    return outcome.ack.status if outcome.ack else None


def _bits_short(result: PutResult, entry: Entry, max_work: int) -> int:
    """How many more bits of work would let the full nodes take the entry; 0 if too many."""
    full = (PutStatus.LOW_RANK, PutStatus.OVER_SHARE)
    short = [o.ack.detail for o in result.outcomes if o.ack and o.ack.status in full]
    bits = max(short, default=0)
    work = entry_work(len(entry.data), entry.ttl) << bits
    return bits if bits <= SURPLUS_BITS_MAX and WORK_MIN <= work <= max_work else 0


def _check_cas(cas: HybridTime, now: HybridTime) -> None:
    if not isinstance(cas, int) or not 0 <= hybrid_ms(cas) <= hybrid_ms(now) + CLOCK_AHEAD_MS_MAX:
        raise UsageError(
            f"cas takes the time of the version to replace, as a get tells it, or 0: not {cas!r}"
        )
