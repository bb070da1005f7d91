"""What a node answers when another one pulls: names, or entries, of an interval of its journal.

Only what the asker should hold, as this node sees the asker's region, and only what is committed.
A source walks the store's log in small steps, so that none of them takes over a millisecond.
"""

from dave.drops import Drop
from dave.errors import WireError
from dave.limits import SYNC_NAMES_MAX
from dave.names import EntryId, Instant, Place, place_of
from dave.node.core import Core
from dave.node.limits import SYNC_LOOKED_MAX, SYNC_NAMED_MAX, SYNC_PIECE_BYTES_MAX
from dave.node.puts import Puts
from dave.node.replicas import Replicas
from dave.node.streams import Source
from dave.store.store import Store
from dave.wire.sync import (
    OFFSET_MAX,
    EntriesRequest,
    HeldPiece,
    HeldRequest,
    NamesPiece,
    NamesRequest,
    encode_entries,
    read_request,
)


class SyncSources:
    """Makes the sources."""

    def __init__(
        self, core: Core, store: Store, puts: Puts, replicas: Replicas, journal_id: bytes
    ) -> None:
        self._core = core
        self._store = store
        self._puts = puts
        self.replicas = replicas
        self._journal_id = journal_id
        self.named: dict[Place, NamesPiece] = {}
        """What peers were named last, of SYNC_NAMED_MAX of them."""

    def serve(self, asker: bytes, request: bytes, now: Instant) -> Source | None:
        """A stream of kind SYNC. Only for nodes in our table, whose place we know; not for a
        journal that is not ours any more."""
        try:
            asked = read_request(request)
        except WireError:
            self._core.drops.add(Drop.WIRE)
            return None
        node_id = next((c.id for c in self._core.table if c.public_key == asker), None)
        if node_id is None or asked.journal_id != self._journal_id:
            return None
        if isinstance(asked, NamesRequest):
            # Nothing is told of what is not committed yet, not even that it is not there: under
            # those sequences something may come to stand, and the asker's clock would be past it.
            upto = min(asked.upto, self._puts.committed)
            if upto <= asked.since:
                return None
            return NamesSource(self, node_id, asked._replace(upto=upto))
        if isinstance(asked, EntriesRequest):
            first, last = asked.runs[-1]
            if asked.since + first + last - 1 > self._puts.committed:
                return None  # we named nothing there
            return EntriesSource(self, node_id, asked)
        named = self.named.pop(node_id, None)
        if named is None or named[:2] != (asked.since, asked.upto):
            return None
        return HeldSource(self.replicas, node_id, named, asked)

    def remember(self, node_id: Place, named: NamesPiece) -> None:
        """That peer was named these, and will tell which of them it holds."""
        self.named.pop(node_id, None)
        self.named[node_id] = named
        if len(self.named) > SYNC_NAMED_MAX:
            del self.named[next(iter(self.named))]

    def next_lines(self, since: int, upto: int) -> list[tuple[int, EntryId]]:
        """What was stored next in the interval, committed already."""
        upto = min(upto, self._puts.committed)
        return [line for line in self._store.log.after(since, SYNC_LOOKED_MAX) if line[0] <= upto]

    def entry_for(self, node_id: Place, sequence: int, entry_id: EntryId, now: Instant) -> bytes:
        """The entry stored under that sequence, if that node should hold it; else nothing."""
        if not self._store.is_held(entry_id, sequence):
            return b""
        data = self._store.get(entry_id, self._core.unix_ms(now))
        if data is None or not self.replicas.regions.includes(place_of(entry_id), node_id, now):
            return b""
        return data


class NamesSource:
    """Names of all in an interval; after SYNC_NAMES_MAX it ends early, and says how far it came."""

    def __init__(self, sources: SyncSources, node_id: Place, asked: NamesRequest) -> None:
        self._sources = sources
        self._node_id = node_id
        self._since = asked.since
        self._begin = asked.since
        self._upto = asked.upto
        self._all: list[tuple[int, bytes]] = []
        self._is_done = False

    def next_piece(self, now: Instant) -> bytes | None:
        """The names of the next few entries."""
        if self._is_done:
            return None
        sources, since = self._sources, self._since
        short_digest = sources.replicas.short_digest
        names = []
        lines = sources.next_lines(since, self._upto)
        reached = self._upto if len(lines) < SYNC_LOOKED_MAX else lines[-1][0]
        for sequence, entry_id in lines:
            if sequence - since > OFFSET_MAX:
                reached = sequence - 1
                break
            data = sources.entry_for(self._node_id, sequence, entry_id, now)
            if data:
                names.append((sequence - since, short_digest(data)))
        self._since = reached
        self._all += names
        # The next piece may name SYNC_LOOKED_MAX more.
        is_full = len(self._all) > SYNC_NAMES_MAX - SYNC_LOOKED_MAX
        self._is_done = reached >= self._upto or is_full
        if self._is_done:
            sources.remember(self._node_id, NamesPiece(self._begin, reached, tuple(self._all)))
        return NamesPiece(since, reached, tuple(names)).encode()

    def close(self) -> None:
        """Nothing is held."""


class EntriesSource:
    """The entries of some runs of sequences."""

    def __init__(self, sources: SyncSources, node_id: Place, asked: EntriesRequest) -> None:
        self._sources = sources
        self._node_id = node_id
        first = asked.since - 1
        self._runs = [(first + at, first + at + count) for at, count in reversed(asked.runs)]
        """(after, up to), the next one last."""

    def next_piece(self, now: Instant) -> bytes | None:
        """The next few entries."""
        if not self._runs:
            return None
        sources, entries, room = self._sources, list[bytes](), SYNC_PIECE_BYTES_MAX
        looked = reached = 0
        while self._runs and room > 0 and looked < SYNC_LOOKED_MAX:
            since, upto = self._runs.pop()
            lines = sources.next_lines(since, upto)
            reached = upto if len(lines) < SYNC_LOOKED_MAX else lines[-1][0]
            for sequence, entry_id in lines:
                looked += 1
                data = sources.entry_for(self._node_id, sequence, entry_id, now)
                if data:
                    entries.append(data)
                    room -= len(data)
                if room <= 0:
                    reached = sequence
                    break
            if reached < upto:
                self._runs.append((reached, upto))
                break
            looked += 1
        return encode_entries(reached, entries)

    def close(self) -> None:
        """Nothing is held."""


class HeldSource:
    """Notes which of the named the peer holds."""

    def __init__(
        self, replicas: Replicas, node_id: Place, named: NamesPiece, told: HeldRequest
    ) -> None:
        self._replicas = replicas
        self._node_id = node_id
        bits = int.from_bytes(told.held, "little")
        names = enumerate(named.names)
        self._left = [short_digest for i, (_, short_digest) in names if bits >> i & 1]

    def next_piece(self, now: Instant) -> bytes | None:
        """Note the next few."""
        if not self._left:
            return None
        noted = [self._left.pop() for _ in range(min(SYNC_LOOKED_MAX, len(self._left)))]
        return HeldPiece(
            sum(self._replicas.promised(self._node_id, each) for each in noted)
        ).encode()

    def close(self) -> None:
        """Nothing is held."""
