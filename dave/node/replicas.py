"""What a node does so that its region holds what it holds (DESIGN section 7, "Announce", "Repair").

It announces what was stored here and what had to go, answers the announcements of others, knows
versions by their short digests, and hands over when it leaves. announcer.py speaks, repair.py finds
what has to be said.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from dave.crypto.hashes import entry_digest
from dave.drops import Drop
from dave.limits import (
    ANNOUNCED_BURST,
    ANNOUNCED_PER_SECOND,
    REPAIR_SLICE,
    REPAIR_TICK_MS,
    SHARDS,
    SHORT_DIGEST_BYTES,
    WANT_AGAIN_SECONDS,
    WANT_SECONDS,
    WANTS_REMEMBERED_MAX,
)
from dave.names import MS, SECOND, EntryId, Instant, Place, place_of
from dave.node.announcer import NEVER_TOLD, Announcer
from dave.node.core import Core
from dave.node.limits import SYNC_TOLD_MAX
from dave.node.puts import Pending, Pulled, Puts
from dave.node.regions import Regions
from dave.node.repair import Repair
from dave.node.timers import Timer
from dave.node.version_index import VersionIndex
from dave.peers.choice import by_trust
from dave.session.budget import Budget
from dave.session.session import Session
from dave.store.shard import Gone
from dave.store.store import Store
from dave.wire import messages
from dave.wire.entry import SIGNED_OFFSET
from dave.wire.messages import Bye
from dave.wire.promises import Announce, Version, Want


class Replicas:
    """One node's part in keeping entries alive."""

    def __init__(self, core: Core, store: Store, puts: Puts) -> None:
        self._core = core
        self._store = store
        self._puts = puts
        self._signed_prefix = core.network.signed_prefix
        self.index = VersionIndex()
        self.regions = Regions(core)
        self.announcer = Announcer(core, store, puts, self.index)
        self.repair = Repair(core, store, self.regions, self.announcer, self.short_digest)
        self._asked: dict[EntryId, tuple[Instant, Place, bytes]] = {}
        """When an entry was asked of which peer, and which version; WANTS_REMEMBERED_MAX."""
        self._budget = Budget(ANNOUNCED_PER_SECOND, ANNOUNCED_BURST)
        self._evicted: list[tuple[EntryId, bytes, list[Place]]] = []
        """Versions that went since the last put was committed, and who relies on them. A put in
        hand evicts few, so that this is bounded by PENDING_PUTS_MAX."""
        self._replaced: dict[EntryId, list[Place]] = {}
        """Who promised a version that one not committed yet has replaced."""
        self._pulled: dict[EntryId, int] = {}
        """Entries that pulls brought, and the sequence of each; announced once all are done."""
        self._to_learn: Iterator[tuple[EntryId, bytes]] | None = None
        self.wanted = 0
        """Versions that peers announced and this node asked for."""
        self.gone = [0] * len(Gone)
        """Versions that left the store, by reason."""
        self.on_interval: Callable[..., None] = _nothing
        """Told of each announcement by a contact, and what of it has yet to come."""
        self.is_pulling: Callable[[Place, bool], bool] = _no_pull
        """Whether what a peer has is pulled from it anyway; it may be new there, or is repair."""
        puts.on_stored = self._stored
        store.on_gone = self._gone

    def start(self, now: Instant) -> None:
        """Begin: first learn by name what the journal brought back."""
        held = self._store.held_in_shard
        self._to_learn = (item for n in range(SHARDS) for item in held(n))
        self.learn(None, now)

    def learn(self, _subject: None, now: Instant) -> None:
        """Learn the next versions by name; with the last, repair begins."""
        assert self._to_learn is not None
        entry_id = None
        for entry_id, data in islice(self._to_learn, REPAIR_SLICE):
            if self._store.get(entry_id, self._core.unix_ms(now)) is data:
                self.index.add(self.short_digest(data), entry_id)
        if entry_id is None:
            self._to_learn = None
            self.repair.start(now)
        else:
            self._core.timers.set(now + REPAIR_TICK_MS * MS, Timer.LEARN)

    @property
    def knows_all(self) -> bool:
        """Whether every version held is known by name. Until then say nothing of those that
        `version_of` does not find."""
        return self._to_learn is None

    def version_of(self, short_digest: bytes) -> tuple[EntryId | None, Gone | None]:
        """The entry of which that is or was a version here, None if unknown; and why it is held no
        more. What is held now may be a newer version."""
        return self.index.find(short_digest)

    # --- What the store and the puts report ------------------------------------------------

    def _stored(self, pending: Pending, now: Instant) -> None:
        """A put was committed: the others of the region are told, if we belong to it, or if nobody
        else will hand it on."""
        if self._evicted:
            self._announce_evicted(now)
        entry_id = pending.entry_id
        if self._store.get(entry_id, self._core.unix_ms(now)) is not pending.entry.data:
            if not self._puts.is_under_way(entry_id):
                self._replaced.pop(entry_id, None)  # it has expired already
            return  # a newer one has come meanwhile, and will be announced
        short_digest = pending.digest[:SHORT_DIGEST_BYTES]
        self.index.add(short_digest, entry_id)
        if isinstance(pending.sender, Pulled) and len(self._pulled) < SYNC_TOLD_MAX:
            self._pulled[entry_id] = pending.sequence
            self.announcer.told_before = min(self.announcer.told_before, pending.sequence)
            return
        self._announce(pending, short_digest, now)

    def _announce(self, pending: Pending, short_digest: bytes, now: Instant) -> None:
        entry_id = pending.entry_id
        asked = self._asked.pop(entry_id, None)
        is_known = asked is not None and self._core.table.get(asked[1]) is not None
        if asked is not None and is_known and asked[2] == short_digest:
            self._core.promises.note(asked[1], entry_id)  # its announcement was the promise
        others, is_in = self.regions.of(place_of(entry_id), now)
        at_once = not pending.is_direct
        announce = self.announcer.announce_new
        if at_once:  # the others learn of it from us alone
            core = self._core
            others = by_trust(others, core.trust, core.table.rtt, core.rng, now)
        if is_in or at_once:
            ids = [contact.id for contact in others]
            announce(ids, entry_id, short_digest, pending.sequence, now, at_once=at_once)
        # Nodes outside of the region may hold the older version.
        if (holders := self._replaced.pop(entry_id, None)) is not None:
            announce(holders, entry_id, short_digest, pending.sequence, now)

    def announce_pulled(self, now: Instant) -> None:
        """All pulls are done: tell others of what they brought, except who was pulled from."""
        pulled, self._pulled = self._pulled, {}
        has_promised = self._core.promises.has
        for entry_id, sequence in pulled.items():
            data = self._store.get(entry_id, self._core.unix_ms(now))
            others, is_in = self.regions.of(place_of(entry_id), now)
            peers = [contact.id for contact in others] if is_in else []
            peers += self._replaced.pop(entry_id, ())
            peers = [peer for peer in peers if not has_promised(peer, entry_id)]
            if data is not None and peers:
                digest = self.short_digest(data)
                self.announcer.announce_new(peers, entry_id, digest, sequence, now)
        self.announcer.told_before = NEVER_TOLD

    def promised(self, peer: Place, short_digest: bytes) -> bool:
        """A contact holds that version, and says so; whether we hold it too."""
        entry_id, _ = self.index.find(short_digest)
        if entry_id is None or not self.index.holds(short_digest, entry_id):
            return False
        self.announcer.is_promised(peer, entry_id)
        return True

    def _gone(self, entry_id: EntryId, data: bytes, why: Gone) -> None:
        """A version has left the store."""
        self.gone[why] += 1
        short_digest = self.short_digest(data)
        if why is Gone.EVICTED:
            promisers = self._core.promises.promisers(entry_id)
            self._evicted.append((entry_id, short_digest, promisers))
            self.index.evicted(short_digest, entry_id)
        elif why is Gone.REPLACED:
            self._replaced.setdefault(entry_id, self._core.promises.promisers(entry_id))
            self.index.replaced(short_digest, entry_id)
        else:
            self.index.expired(short_digest)
        self._core.promises.forget_entry(entry_id)

    def _announce_evicted(self, now: Instant) -> None:
        """Tell those whom we promised to keep it. They are those who promised it to us: a promise
        is the answer to a promise."""
        evicted, self._evicted = self._evicted, []
        for entry_id, short_digest, promisers in evicted:
            for peer in promisers:
                self.announcer.announce_evicted(peer, entry_id, short_digest, now)

    # --- What peers say --------------------------------------------------------------------

    def on_announce(self, announce: Announce, session: Session, now: Instant) -> Want:
        """The answer to an announcement by a node. It is taken for a promise only of who is in our
        table: others would be too many to remember. What a session announces beyond its budget is
        not wanted, unless it is held: then it costs next to nothing."""
        assert session.node_id is not None
        peer = self._contact_at(session)
        is_new = announce.upto > announce.since
        is_pulling = self.is_pulling(session.node_id, is_new)
        wanted = held = 0
        is_over = False
        awaited: list[Version] = []
        for i, version in enumerate(announce.versions):
            bit = 1 << i
            if announce.evicted & bit:
                self._withdrawn(version, peer)
            elif self._holds(version, peer):
                held |= bit
            elif is_over or not self._budget.take(session, 1, now):
                is_over = True
                awaited.append(version)
            elif self._holds_newer(version, peer, now):
                held |= bit
            elif not is_pulling and self._wants(version, session.node_id, now):
                wanted |= bit
                awaited.append(version)
            elif is_pulling or self._is_coming(version.entry_id):
                awaited.append(version)
        if is_over:
            self._core.drops.add(Drop.ANNOUNCES)
        self.wanted += wanted.bit_count()
        contact = None if peer is None else self._core.table.get(peer)
        if contact is not None:
            self.on_interval(announce, awaited, contact, session, now)
        return Want(wanted, held)

    def _withdrawn(self, version: Version, peer: Place | None) -> None:
        """A peer had to evict a version."""
        if peer is not None and self.index.holds(version.short_digest, version.entry_id):
            self._core.promises.withdraw(peer, version.entry_id)

    def _holds(self, version: Version, peer: Place | None) -> bool:
        """Whether we hold a version that a peer holds."""
        if not self.index.holds(version.short_digest, version.entry_id):
            return False
        if peer is not None:
            self.announcer.is_promised(peer, version.entry_id)
        return True

    def _is_coming(self, entry_id: EntryId) -> bool:
        """Whether an entry was asked for, of whomever, or cannot be taken now."""
        if self._puts.is_read_only or self.repair.is_leaving:
            return True
        return entry_id in self._asked or self._puts.is_under_way(entry_id)

    def on_bye(self, session: Session, now: Instant) -> None:
        """A node leaves: at once out of the table, and who takes its place is told."""
        peer = self._contact_at(session)
        if peer is not None:
            self._core.table.remove(peer)
            self.repair.left(peer, now)
        self._core.sessions.forget(session.address)

    def _contact_at(self, session: Session) -> Place | None:
        """The id of who is at the other end, if it is in our table, at that address."""
        contact = None if session.node_id is None else self._core.table.get(session.node_id)
        is_there = contact is not None and contact.address == session.address
        return session.node_id if is_there else None

    def _holds_newer(self, version: Version, peer: Place | None, now: Instant) -> bool:
        """Whether we know the version as one that a newer one has replaced; then the peer is told
        of that. (An unknown version may be either: it is asked for, and whoever has the older one
        learns of the newer by PUT or by its acknowledgement.)"""
        if self.knows_all and not self.index.is_past(version.short_digest):
            return False
        entry_id = version.entry_id
        data = self._store.get(entry_id, self._core.unix_ms(now))
        if data is None or self._puts.is_under_way(entry_id):
            return False
        short_digest = self.short_digest(data)
        if short_digest == version.short_digest:
            return True  # not learnt by name yet
        if not self.index.is_past(version.short_digest):
            return False
        if peer is not None:
            self.announcer.announce(peer, entry_id, short_digest, now)
        return True

    def _wants(self, version: Version, peer: Place, now: Instant) -> bool:
        """Whether to ask for a version that we lack."""
        entry_id, short_digest = version
        if self._puts.is_read_only or self.repair.is_leaving or self._puts.is_under_way(entry_id):
            return False
        asked = self._asked.get(entry_id)
        if asked is not None:
            # Who promised to bring it and did not must not keep others from it.
            wait = WANT_AGAIN_SECONDS if asked[1] == peer else WANT_SECONDS
            if now - asked[0] < wait * SECOND:
                return False
        is_held = self._store.get(entry_id, self._core.unix_ms(now)) is not None
        if not is_held and not self._may_take(entry_id, now):
            return False
        # At the end of the dict: what was asked for longest ago is at its beginning.
        self._asked.pop(entry_id, None)
        self._asked[entry_id] = now, peer, short_digest
        if len(self._asked) > WANTS_REMEMBERED_MAX:
            del self._asked[next(iter(self._asked))]
        return True

    def _may_take(self, entry_id: EntryId, now: Instant) -> bool:
        """Whether an entry of which we hold no version is for us to hold."""
        place = place_of(entry_id)
        if not self.regions.may_belong(place):
            return False
        return self._store.has_room(entry_id) or self.regions.of(place, now)[1]

    # --- Leaving -----------------------------------------------------------------------------

    def leave(self, now: Instant) -> None:
        """Hand over what the region lacks once we are gone; `leave_done` says when that is done."""
        self.repair.leave(now)
        self.announcer.hurry(now)

    @property
    def leave_done(self) -> bool:
        """Whether nothing is left to hand over."""
        return not self.repair.is_sweeping and self.announcer.is_idle

    def say_bye(self, now: Instant) -> None:
        """Tell all nodes that we have a session with."""
        core = self._core
        for session in core.sessions.with_nodes():
            core.sessions.seal(session, messages.encode(core.rng.randbytes(4), Bye()), now)

    def short_digest(self, data: bytes) -> bytes:
        return entry_digest(self._signed_prefix + data[SIGNED_OFFSET:])[:SHORT_DIGEST_BYTES]


def _nothing(*_: Any) -> None:
    return None


def _no_pull(_peer: Place, _is_new: bool) -> bool:
    return False
