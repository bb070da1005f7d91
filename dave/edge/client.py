"""The verbs of an application: put, get, check, delete.

They are written once, as coroutines over a `Driver`, and driven twice: by asyncio (edge/aio.py)
and, blocking, by a plain select loop whose waits never suspend (edge/blocking.py). That is why
nothing here imports asyncio, whose import alone takes as long as a whole `dave get`.
"""

import time
from typing import Any

from dave.crypto import hashes
from dave.crypto.work import entry_work
from dave.edge.addresses import format_address
from dave.edge.check import Check, CheckedNode
from dave.edge.driver import Driver, Progress
from dave.edge.failures import network_error, too_few_answered
from dave.edge.keyfile import Key
from dave.edge.limits import MAX_WORK_DEFAULT, TIMEOUT_SECONDS_DEFAULT
from dave.edge.receipt import Receipt, Value
from dave.errors import Conflict, EntryError, NetworkError, NotStored, UsageError
from dave.limits import (
    CLOCK_AHEAD_MS_MAX,
    SURPLUS_BITS_MAX,
    TOMBSTONE_TTL_SECONDS,
    TTL_SECONDS_DEFAULT,
    WORK_MIN,
)
from dave.names import HybridTime, Owner, hybrid_ms, hybrid_time
from dave.node.check import CheckResult
from dave.node.results import Found, GetResult, Outcome, PutResult, is_genuine
from dave.uri import format_uri, parse_name, parse_owner
from dave.wire.entry import TOMBSTONE, Entry, check_fields, encode
from dave.wire.status import PutStatus


class Client:
    """Puts and gets entries. Made by `dave.connect` (asyncio); `dave.connect_sync` has the same
    verbs, blocking."""

    def __init__(self, driver: Driver, key: Key | None) -> None:
        self._driver = driver
        self._key = key
        self.trace: list[Any] = []
        """The steps of the last lookup: what `--explain` prints."""

    async def put(
        self,
        key: str | bytes,
        value: str | bytes,
        *,
        ttl: int = TTL_SECONDS_DEFAULT,
        cas: HybridTime | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        max_work: int = MAX_WORK_DEFAULT,
        progress: Progress | None = None,
    ) -> Receipt:
        """Sign `value`, stamp it and hand it to the nodes nearest to it; returns at quorum.

        key: 1 to 255 bytes (text is encoded as UTF-8); with the value at most 1240 bytes.
        ttl: lifetime in seconds, 1 to 31,622,400. cas: the `time` of the version to replace, 0 for
        "must not exist". timeout: seconds for the network's part. max_work: most hashes expected
        of a stamp where nodes are full and ask for more.

        Raises UsageError without a key, EntryError for what does not fit an entry, NotStored
        (with `receipt`) below a quorum, Conflict (with `winner`) where cas lost, Unreachable or
        OtherNetwork where nobody of this network answered, WorkCancelled.
        """
        return await self._put(_bytes(key), _bytes(value), ttl, 0, cas, timeout, max_work, progress)

    async def delete(
        self,
        key: str | bytes,
        *,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        progress: Progress | None = None,
    ) -> Receipt:
        """Retract a key: a signed tombstone takes the entry's place for 366 days.

        Copies that others made cannot be recalled. Raises as `put`.
        """
        return await self._put(
            _bytes(key), b"", TOMBSTONE_TTL_SECONDS, TOMBSTONE, None, timeout,
            MAX_WORK_DEFAULT, progress,
        )  # fmt: skip

    async def get(
        self,
        name: str | bytes,
        *,
        owner: Owner | str | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
        quorum: int = 2,
    ) -> Value | None:
        """The newest version of an entry, verified; None if it is absent or deleted.

        name: a key, or "dave://OWNER/KEY". owner: whose key it is; by default one's own.
        quorum: how many nodes must return the same version (all, where fewer are known).

        Raises UsageError if neither says whose, Unreachable if too few nodes answered to say that
        it is absent, OtherNetwork.
        """
        started = time.monotonic()
        whose, key = _whose(name, owner, self._key)
        result = await self._get(hashes.entry_id_of(whose, key), timeout, quorum)
        entry = result.entry
        if result.found is not Found.FOUND or entry is None:
            return None
        return Value(
            owner=whose,
            key=key,
            value=entry.value,
            time=entry.time,
            digest=entry.digest(self._driver.core.network),
            expires=entry.expires_ms / 1000,
            replicas=result.replicas,
            seconds=time.monotonic() - started,
        )

    async def check(
        self,
        name: str | bytes,
        *,
        owner: Owner | str | None = None,
        timeout: float = TIMEOUT_SECONDS_DEFAULT,
    ) -> Check | None:
        """Have each node that should hold an entry prove it; None if it is absent or deleted.

        name, owner: as in `get`, which comes first. timeout: seconds for reading the entry, and
        once more for the proofs. Raises as `get`.
        """
        started = time.monotonic()
        whose, key = _whose(name, owner, self._key)
        found = await self._get(hashes.entry_id_of(whose, key), timeout, 2)
        if found.found is not Found.FOUND or found.entry is None:
            return None
        driver = self._driver
        now = driver.now()
        operation = driver.core.check(found.entry, now, now + int(timeout * 1e9))
        driver.flush()
        result: CheckResult = await driver.wait(operation)
        self.trace = result.trace
        nodes = [
            CheckedNode(
                format_address(node.address),
                f"{node.id:016x}",
                node.verdict,
                node.rtt_ns / 1e6 if node.rtt_ns else None,
            )
            for node in result.nodes
        ]
        return Check(format_uri(whose, key), nodes, time.monotonic() - started)

    async def read(self, owner: Owner, key: bytes, *, timeout: float) -> GetResult:
        """The newest version as it is held, a tombstone included; all who should hold it are asked.

        Raises Unreachable if too few nodes answered, OtherNetwork.
        """
        return await self._get(hashes.entry_id_of(owner, key), timeout, 0)

    async def renew(self, entry: Entry, *, timeout: float) -> Receipt:
        """Put the same value again, dated now, unless another version than `entry` stands. Raises
        as `put` with `cas`."""
        return await self._put(
            entry.key, entry.value, entry.ttl, entry.flags, entry.time, timeout,
            MAX_WORK_DEFAULT, None,
        )  # fmt: skip

    async def _get(self, entry_id: bytes, timeout: float, quorum: int) -> GetResult:
        driver = self._driver
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

    async def _put(
        self,
        key: bytes,
        value: bytes,
        ttl: int,
        flags: int,
        cas: HybridTime | None,
        timeout: float,
        max_work: int,
        progress: Progress | None,
    ) -> Receipt:
        if self._key is None:
            raise UsageError("a put needs the owner's key: pass key=dave.Key.load(path)")
        check_fields(key, value, ttl)
        if cas is not None:
            _check_cas(cas, self._clock())
        started = time.monotonic()
        floor = 0 if cas is None else cas + 1
        bits, hashes_tried = 0, 0
        for is_last in (False, True):
            stamped, tried = await self._sign(
                key, value, ttl, flags, max(self._clock(), floor), bits, progress
            )
            hashes_tried += tried
            driver = self._driver
            now = driver.now()
            operation = driver.core.put(stamped, now, now + int(timeout * 1e9), cas)
            driver.flush()
            result: PutResult = await driver.wait(operation)
            self.trace = result.trace
            receipt = Receipt(stamped, result, driver, operation)
            receipt.work_hashes = hashes_tried
            receipt.seconds = time.monotonic() - started
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
            raise network_error(failures, self._driver.edges_text())
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
            return (await self._get(entry_id, timeout, 0)).entry
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
        network = self._driver.core.network
        bare = Entry(encode(self._key.owner, key, value, at, ttl, flags))
        signed = bare.signed_bytes(network)
        nonce, tried = bytes(8), 0
        if network.asks_work:
            work = entry_work(len(bare.data), ttl) << bits
            prefix = hashes.ENTRY_STAMP_TAG + hashes.entry_digest(signed)
            nonce, tried = await self._driver.search(prefix, work, progress)
        return bare.with_proofs(self._key.sign(signed), nonce), tried

    def _clock(self) -> HybridTime:
        return hybrid_time(self._driver.core.unix_ms(self._driver.now()))

    def _newer(self, result: PutResult, mine: Entry) -> Entry | None:
        """The newest version that stands in the way, if a node proves there is one."""
        newest: Entry | None = None
        network = self._driver.core.network
        for outcome in result.outcomes:
            held = outcome.ack.held if outcome.ack else None
            if held is None or held.id != mine.id or held.time < mine.time:
                continue
            if not is_genuine(held, network):
                continue
            if newest is None or held.time > newest.time:
                newest = held
        if newest is not None:
            ahead = hybrid_ms(newest.time) - hybrid_ms(self._clock())
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


def _bytes(text: str | bytes) -> bytes:
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    if isinstance(text, bytes | bytearray | memoryview):
        return bytes(text)
    raise UsageError(f"keys and values are text or bytes, not {type(text).__name__}")


def _whose(name: str | bytes, owner: Owner | str | None, key: Key | None) -> tuple[Owner, bytes]:
    if isinstance(name, bytes):
        named, rest = None, name
    else:
        named, rest = parse_name(name)
    whose = named or (parse_owner(owner) if isinstance(owner, str) else owner)
    if whose is None and key is not None:
        whose = key.owner
    if whose is None:
        raise UsageError("whose? give dave://OWNER/KEY, or the owner's key")
    return whose, rest
