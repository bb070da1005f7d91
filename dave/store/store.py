"""All entries that a node holds: 256 shards, one rule of admission, one of eviction.

`judge` says what would become of an entry and changes nothing but what time has changed; `insert`
does it. Both follow one plan, so that what was promised is what happens (DESIGN section 5).
"""

from collections.abc import Iterator
from math import floor
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from dave.crypto import hashes, work
from dave.crypto.network import Network
from dave.errors import UsageError, WireError
from dave.limits import (
    CAPACITY_BYTES_MIN,
    CLOCK_AHEAD_MS_MAX,
    ENTRY_BYTES_MAX,
    HALF_LIFE_DAYS,
    OWNER_SHARE_PERCENT,
    SHARDS,
    STORE_OVERHEAD_BYTES,
)
from dave.names import EntryId, HybridTime, Place, UnixMs
from dave.store import journal
from dave.store.floors import Floors
from dave.store.owners import Owners, line_up_over_share
from dave.store.rank import UNRANKED, distance, rank
from dave.store.sequence_log import SequenceLog
from dave.store.shard import (
    Gone,
    Held,
    OnGone,
    Shard,
    expires_ms_of,
    owner_of,
    size_of,
    version_of,
)
from dave.wire.entry import Entry
from dave.wire.status import PutStatus

HALF_LIFE_MS_DEFAULT = HALF_LIFE_DAYS * 86_400_000

assert SHARDS == 256, "shards are chosen by one byte of a hash"


class Verdict(NamedTuple):
    """What would become of an entry."""

    status: PutStatus
    """STORED, SAME, STALE, CONFLICT, LOW_RANK, OVER_SHARE, FUTURE, EXPIRED or TOO_LARGE."""
    held: bytes | None = None
    """The encoded version held instead: with SAME, STALE and CONFLICT, where there is one."""
    bits_short: int = 0
    """With LOW_RANK and OVER_SHARE: how many more bits of work would do; 0 if no number would."""


_STORED = Verdict(PutStatus.STORED)


class Store:
    """Entries by id, within `capacity` bytes.

    `shard_secret` (64 random bits, drawn at each start) keeps others from aiming at a shard;
    `half_life_ms` is the node's own choice. Raises UsageError for less than 1 MiB of capacity.
    """

    def __init__(
        self,
        node_id: Place,
        network: Network,
        capacity: int,
        shard_secret: int,
        half_life_ms: int = HALF_LIFE_MS_DEFAULT,
    ) -> None:
        if capacity < CAPACITY_BYTES_MIN:
            raise UsageError(
                f"a capacity of {capacity} bytes is too small; give at least {CAPACITY_BYTES_MIN}"
            )
        self.on_gone: OnGone | None = None
        """Told of each version that leaves the store; not while a journal is loaded."""
        self.owners = Owners(capacity * OWNER_SHARE_PERCENT // 100)
        self.floors = Floors()
        self.log = SequenceLog()
        self._node_id = node_id
        self._network = network
        self._shard_bytes = capacity // SHARDS
        self._secret = shard_secret
        self._half_life_ms = half_life_ms
        self._shards: list[Shard | None] = [None] * SHARDS
        self._count = 0
        self._loading = True

    def get(self, entry_id: EntryId, now_ms: UnixMs) -> bytes | None:
        """The encoded entry, or None if none is held that is alive. The hot path."""
        shard = self._shards[xxh3_64_intdigest(entry_id, self._secret) & 255]
        if shard is None or (held := shard.entries.get(entry_id)) is None:
            return None
        # Nothing in the shard expires before `soonest_ms`: most reads need not look at the time.
        if now_ms >= shard.soonest_ms and now_ms >= expires_ms_of(held[3]):
            return None
        return held[3]

    def judge(
        self,
        entry: Entry,
        entry_id: EntryId,
        digest: bytes,
        now_ms: UnixMs,
        surplus: float,
        expected: HybridTime | None = None,
    ) -> Verdict:
        """What `insert` would make of an entry now.

        `digest` (32 bytes) and `surplus` (0 to 24 bits of work) are the entry's. `expected` is the
        guard of compare-and-set: the time of the version to replace, 0 for none.
        """
        if now_ms >= entry.expires_ms:
            return Verdict(PutStatus.EXPIRED)
        if entry.time >> 16 > now_ms + CLOCK_AHEAD_MS_MAX:
            return Verdict(PutStatus.FUTURE)
        if size_of(entry.data) > self._shard_bytes:
            return Verdict(PutStatus.TOO_LARGE)
        if self._loading:
            self.end_load()
        shard, old = self._find(entry_id, now_ms)
        if old is not None and entry.same_version(old[3]):
            if surplus <= self._surplus(Entry(old[3]), digest):
                return Verdict(PutStatus.SAME, old[3])
        else:
            refused = self._refused(entry, digest, old, expected)
            if refused is not None:
                return refused
            if self.floors.bars(entry_id, entry.time):
                return Verdict(PutStatus.EXPIRED)
        if self._bytes_over(shard, entry.data, old) <= 0:
            return _STORED
        newcomer = self._rank(entry, entry_id, surplus)
        status, bits_short, _ = self._plan(shard, entry.data, newcomer, old, now_ms)
        return Verdict(status, None, bits_short)

    def insert(
        self, entry: Entry, entry_id: EntryId, sequence: int, now_ms: UnixMs, surplus: float
    ) -> list[EntryId]:
        """Take in an entry that `judge` has just found STORED, under a `sequence` never used.

        Returns the ids of what was evicted for it; what had expired is not among them.
        """
        if self._loading:
            self.end_load()
        shard, old = self._find(entry_id, now_ms)
        newcomer = self._rank(entry, entry_id, surplus)
        status, _, victims = self._plan(shard, entry.data, newcomer, old, now_ms)
        assert status is PutStatus.STORED, "insert only what judge has just found STORED"
        if old is not None:
            self._remove(shard, old)
        for victim in victims:
            self._remove(shard, victim)
        self._add(shard, (newcomer, sequence, entry_id, entry.data), entry)
        if self.on_gone is not None:
            if old is not None:
                self.on_gone(entry_id, old[3], Gone.REPLACED)
            for victim in victims:
                self.on_gone(victim[2], victim[3], Gone.EVICTED)
        return [victim[2] for victim in victims]

    def load(self, data: bytes, sequence: int, now_ms: UnixMs) -> bool:
        """Take in an entry from the journal, in any order; whether it is held now.

        The newest version wins, of equal ones the last written. An expired one leaves its floor.
        What does not fit is left out by rank, as an insertion would. Nothing is too far ahead: a
        clock that was set back must not lose what is stored. Raises WireError for bytes that are
        no entry. Only before the first `judge` and `insert`.
        """
        entry = Entry(data)
        entry_id = entry.id
        if now_ms >= entry.expires_ms:
            self.load_floor(entry_id, entry.time, now_ms)
            return False
        shard = self._shard(entry_id)
        old = shard.entries.get(entry_id)
        if old is not None and not self._is_later(entry, sequence, old):
            return False
        if self.floors and self.floors.bars(entry_id, entry.time):
            return False
        value = UNRANKED
        room = self._shard_bytes - shard.bytes_used
        if shard.is_ranked or size_of(data) > room:
            if size_of(data) > self._shard_bytes:
                return False
            shard, old = self._find(entry_id, now_ms)
            value = self._rank(entry, entry_id, self._surplus(entry))
            status, _, victims = self._plan(shard, data, value, old, now_ms)
            if status is not PutStatus.STORED:
                return False
            for victim in victims:
                self._remove(shard, victim)
        if old is not None:
            self._remove(shard, old)
        self._add(shard, (value, sequence, entry_id, data), entry)
        return True

    def load_floor(self, entry_id: EntryId, time: HybridTime, now_ms: UnixMs) -> None:
        """Take in a floor from the journal; what is held at or below it goes."""
        self.floors.note(entry_id, time, now_ms)
        shard = self._shards[xxh3_64_intdigest(entry_id, self._secret) & 255]
        old = None if shard is None else shard.entries.get(entry_id)
        if shard is not None and old is not None:
            time_held, _ = version_of(old[3])
            if self.floors.bars(entry_id, time_held):
                self._remove(shard, old)

    def load_records(self, records: list[journal.Record], now_ms: UnixMs) -> int:
        """Load journal records; returns how many of them hold nothing this version can read."""
        load = self.load
        unreadable = 0
        for sequence, kind, body in records:
            try:
                if kind == journal.ENTRY:
                    load(body, sequence, now_ms)
                elif kind == journal.FLOOR:
                    entry_id, time, _ = journal.read_floor(body)
                    self.load_floor(entry_id, time, now_ms)
                else:
                    unreadable += 1
            except WireError:
                unreadable += 1
        return unreadable

    def end_load(self) -> None:
        """The journal is replayed. Called by itself at the first `judge` or `insert`; earlier, it
        spares that one the work."""
        self._loading = False
        self.owners.settle()
        self.log.settle()

    def expire_shard(self, n: int, now_ms: UnixMs) -> int:
        """Remove what has expired in shard `n` (0 to 255); returns how many entries went."""
        shard = self._shards[n]
        self.log.sweep(self._count, self.is_held)
        return 0 if shard is None else self._expire(shard, now_ms)

    def entries_in_shard(self, n: int) -> Iterator[tuple[int, bytes]]:
        """(sequence, encoded entry) of all in shard `n`, a snapshot, in order of arrival."""
        shard = self._shards[n]
        if shard is not None:
            for held in list(shard.entries.values()):
                yield held[1], held[3]

    def held_in_shard(self, n: int) -> list[tuple[EntryId, bytes]]:
        """(id, encoded entry) of all in shard `n` (0 to 255), in order of arrival; expired ones may
        be among them."""
        shard = self._shards[n]
        return [] if shard is None else [(held[2], held[3]) for held in shard.entries.values()]

    def is_held(self, entry_id: EntryId, sequence: int) -> bool:
        """Whether the entry is held, and was stored under that sequence."""
        shard = self._shards[xxh3_64_intdigest(entry_id, self._secret) & 255]
        held = None if shard is None else shard.entries.get(entry_id)
        return held is not None and held[1] == sequence

    def has_room(self, entry_id: EntryId) -> bool:
        """Whether any entry of that id would be taken in without evicting one."""
        shard = self._shards[xxh3_64_intdigest(entry_id, self._secret) & 255]
        used = 0 if shard is None else shard.bytes_used
        return used + ENTRY_BYTES_MAX + STORE_OVERHEAD_BYTES <= self._shard_bytes

    def loads(self) -> list[tuple[int, int]]:
        """(entries, bytes in the measure of the capacity) of each shard."""
        return [(0, 0) if s is None else (len(s.entries), s.bytes_used) for s in self._shards]

    @property
    def bytes_used(self) -> int:
        """What is held, in the measure of the capacity: encodings and 600 bytes for each."""
        return sum(shard.bytes_used for shard in self._shards if shard is not None)

    def __len__(self) -> int:
        return self._count

    def _shard(self, entry_id: EntryId) -> Shard:
        n = xxh3_64_intdigest(entry_id, self._secret) & 255
        shard = self._shards[n]
        if shard is None:
            shard = self._shards[n] = Shard()
        return shard

    def _find(self, entry_id: EntryId, now_ms: UnixMs) -> tuple[Shard, Held | None]:
        """The shard of an id and what it holds under it, once an expired version is gone."""
        shard = self._shard(entry_id)
        held = shard.entries.get(entry_id)
        if held is not None and now_ms >= expires_ms_of(held[3]):
            self._remove(shard, held)
            self.floors.note(entry_id, version_of(held[3])[0], now_ms)
            if self.on_gone is not None:
                self.on_gone(entry_id, held[3], Gone.EXPIRED)
            return shard, None
        return shard, held

    def _refused(
        self, entry: Entry, digest: bytes, old: Held | None, expected: HybridTime | None
    ) -> Verdict | None:
        """Why another version than the one held must not replace it, or None."""
        held = None if old is None else old[3]
        its = (0, 0) if held is None else version_of(held)
        if expected is not None and expected != (0 if its[1] else its[0]):
            return Verdict(PutStatus.CONFLICT, held)
        if held is not None:
            mine = version_of(entry.data)
            if not mine > its and not (mine == its and digest > Entry(held).digest(self._network)):
                return Verdict(PutStatus.STALE, held)
        return None

    def _is_later(self, entry: Entry, sequence: int, old: Held) -> bool:
        """Whether a loaded record replaces a held one: by version, then by sequence."""
        mine, its = version_of(entry.data), version_of(old[3])
        if mine != its:
            return mine > its
        if entry.same_version(old[3]):
            return sequence > old[1]
        return entry.digest(self._network) > Entry(old[3]).digest(self._network)

    def _bytes_over(self, shard: Shard, data: bytes, old: Held | None) -> int:
        """By how much the shard would exceed its share; at most 0 where there is room."""
        over = shard.bytes_used + size_of(data) - self._shard_bytes
        return over if old is None else over - size_of(old[3])

    def _plan(
        self, shard: Shard, data: bytes, newcomer: float, old: Held | None, now_ms: UnixMs
    ) -> tuple[PutStatus, int, list[Held]]:
        """(STORED, 0, whom to evict), or (LOW_RANK or OVER_SHARE, bits short, [])."""
        need = self._bytes_over(shard, data, old)
        if need <= 0:
            return PutStatus.STORED, 0, []
        before = shard.bytes_used
        self._expire(shard, now_ms)
        need -= before - shard.bytes_used
        if need <= 0:
            return PutStatus.STORED, 0, []
        shard.build_order(self._rank_of_held)
        victims: list[Held] = []
        # The newcomer must outrank every victim that it stands in one line with. Both lines are
        # followed to the end, so that the bits we name are enough for both.
        outrank = UNRANKED
        is_over_share = False
        if self.owners.over and self._network.asks_work and not self.owners.is_single:
            need, outrank, no_way = line_up_over_share(self.owners, shard, data, old, need, victims)
            if no_way:
                return PutStatus.OVER_SHARE, 0, []
            is_over_share = outrank >= newcomer
        chosen = {victim[2] for victim in victims}
        ranked = shard.lowest()
        while need > 0:
            held = next(ranked)
            if held is old or held[2] in chosen:
                continue
            victims.append(held)
            need -= size_of(held[3])
            outrank = max(outrank, held[0])
        if newcomer > outrank:
            return PutStatus.STORED, 0, victims
        # An equal rank displaces nobody: whole bits that lift the newcomer strictly above.
        bits = floor(outrank - newcomer) + 1
        return PutStatus.OVER_SHARE if is_over_share else PutStatus.LOW_RANK, bits, []

    def _expire(self, shard: Shard, now_ms: UnixMs) -> int:
        gone = shard.expire(now_ms)
        for held in gone:
            self._count -= 1
            self.owners.remove(owner_of(held[3]), size_of(held[3]))
            self.floors.note(held[2], version_of(held[3])[0], now_ms)
            if self.on_gone is not None:
                self.on_gone(held[2], held[3], Gone.EXPIRED)
        return len(gone)

    def _add(self, shard: Shard, held: Held, entry: Entry) -> None:
        shard.add(held, entry.expires_ms)
        self._count += 1
        self.log.add(held[1], held[2])
        self.owners.add(entry.owner, size_of(held[3]))

    def _remove(self, shard: Shard, held: Held) -> None:
        shard.remove(held[2])
        self._count -= 1
        self.owners.remove(owner_of(held[3]), size_of(held[3]))

    def _rank(self, entry: Entry, entry_id: EntryId, surplus: float) -> float:
        far = distance(entry_id, self._node_id)
        return rank(entry.time, far, self._half_life_ms, surplus, entry.is_tombstone)

    def _rank_of_held(self, entry_id: EntryId, data: bytes) -> float:
        entry = Entry(data)
        return self._rank(entry, entry_id, self._surplus(entry))

    def _surplus(self, entry: Entry, digest: bytes | None = None) -> float:
        if not self._network.asks_work:
            return 0.0
        stamp = hashes.entry_stamp(digest or entry.digest(self._network), entry.nonce)
        return work.surplus_bits(stamp, work.entry_work(len(entry.data), entry.ttl))
