"""A get: the newest version of an entry, from as few nodes as will do.

Where we know the region, two of it are asked first, drawn by trust and round trip; the next is
asked at once when one has nothing, fails or is slow. Absent is said only after all of the region
was asked, most of it answered, and a wide search found nobody else; otherwise it is unreachable.
Who had nothing, or an older version, is handed the newest one afterwards.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from dave.limits import BUCKET_CONTACTS
from dave.names import EntryId, HybridTime, Instant, Place, place_of
from dave.node.candidate import Candidate, State, merge
from dave.node.core import Core, peer_of
from dave.node.lookup import Lookup
from dave.node.measure import measure
from dave.node.requests import Answer, Peer
from dave.node.results import Found, GetResult, is_genuine
from dave.node.search import Search, is_all_known
from dave.node.timers import Timer
from dave.peers.choice import by_trust
from dave.peers.region import region_size
from dave.wire.entry import Entry, order
from dave.wire.messages import Get, GetAck, Put


class GetOperation:
    """Resolves `operation` with a GetResult.

    `quorum`: how many must agree; 0 asks all of the R nearest. Where fewer nodes are known than
    that, all of them must.
    """

    def __init__(
        self, core: Core, operation: int, entry_id: EntryId, quorum: int, deadline: Instant
    ) -> None:
        self._core = core
        self._operation = operation
        self._entry_id = entry_id
        self._place = place_of(entry_id)
        self._quorum = quorum or core.tuning.replicas
        self._replicas = core.tuning.replicas
        self._deadline = deadline
        self._started: Instant = 0
        self._newest: tuple[HybridTime, bool, bytes] | None = None
        self._has_own = 0
        self._expected: int | None = None
        self._told: dict[bytes, bytes | None] = {}
        """By the keys of the nodes that answered: the version of each. A node counts once,
        whatever its addresses."""
        self._gets: list[Lookup] = []
        self._search: Search | None = None
        self.result = GetResult()

    def start(self, now: Instant, own: Entry | None = None) -> None:
        """Begin; `own` is the version in the asker's own store, if any."""
        core = self._core
        self._started = now
        core.timers.set(self._deadline, Timer.DEADLINE, self)
        if own is not None:
            self._take(own)
            self._has_own = 1
        near = core.table.nearest(self._place, self._replicas)
        known = near
        if now >= core.knows_all_until:
            self._expected = core.expected_distance()
            edge = -1 if self._expected is None else self._expected
            known = [contact for contact in near if contact.id ^ self._place <= edge]
        known = by_trust(known, core.trust, core.table.rtt, core.rng, now)
        warm = [contact for contact in known if core.sessions.find(contact.address)]
        if not warm or len(warm) < min(self._quorum, len(near)):
            peers = [*map(peer_of, near)] or list(core.edges)
            self._look(peers, now, parallel=max(core.tuning.parallel, self._quorum))
            return
        first = [*map(peer_of, warm[: self._quorum])]
        self._look(first, now, first, parallel=self._quorum)

    def _look(
        self,
        peers: Sequence[Peer],
        now: Instant,
        first: Sequence[Peer] = (),
        **options: Any,
    ) -> None:
        """Ask the nearest of these, `first` before them."""
        lookup = Lookup(
            self._core,
            self._place,
            Get(self._entry_id),
            self._on_reply,
            self._asked,
            is_enough=lambda: self.result.entry is not None,
            reserve=None if self._gets else self._others,
            **options,
        )
        self._gets.append(lookup)
        lookup.start(peers, now, first)

    def _others(self) -> list[Peer]:
        """With whom to go on where those asked first have nothing, or are dead."""
        return self._core.peers_near(self._place, BUCKET_CONTACTS)

    def _on_reply(self, candidate: Candidate, answer: Answer, now: Instant) -> bool:
        result = self.result
        if answer.failure is not None:
            result.failures.append((candidate.peer.address, answer.failure))
            return False
        assert answer.session is not None
        key = answer.session.public_key
        if key in self._told:
            return False
        result.answered += 1
        self._told[key] = None
        measure(self._core, self._place, answer, now)
        entry = answer.reply.entry if isinstance(answer.reply, GetAck) else None
        if entry is not None:
            if self._is_valid(entry, now):
                self._told[key] = entry.data
                self._take(entry)
                # Of so many more is one needed yet; nobody else is asked while they may come.
                self._gets[-1].parallel = max(1, self._quorum - result.replicas)
            elif candidate.peer.id is not None:
                self._core.table.failed(candidate.peer.id, now)
        return self._is_enough()

    def _is_enough(self) -> bool:
        """Whether as many agree as must."""
        agree = self.result.replicas
        if agree >= self._quorum:
            return True
        return agree > 0 and agree >= min(self._quorum, self._has_own + len(self._candidates()))

    def _is_valid(self, entry: Entry, now: Instant) -> bool:
        """Whether it is the entry asked for, alive, and its owner's."""
        newest = self.result.entry
        if newest is not None and entry.data == newest.data:
            return True
        return (
            entry.id == self._entry_id
            and entry.expires_ms > self._core.unix_ms(now)
            and is_genuine(entry, self._core.network)
        )

    def _take(self, entry: Entry) -> None:
        newest = self.result.entry
        if newest is not None and newest.same_version(entry.data):
            self.result.replicas += 1
            return
        place_in_order = order(entry, self._core.network)
        if self._newest is None or place_in_order > self._newest:
            self._newest = place_in_order
            self.result.entry = entry
            self.result.replicas = 1

    def _asked(self, lookup: Lookup, now: Instant) -> None:
        """Enough agree, or nobody is left to ask of those we began with. Where that was not all of
        the region, go on; look for others where all had nothing, or where we knew too few."""
        result, core = self.result, self._core
        result.trace += lookup.trace
        if result.entry is not None and len(self._candidates()) >= self._quorum:
            self._finish(now)
        elif rest := self._unasked():
            self._look(rest, now, width=len(rest), parallel=self._replicas, is_closed=True)
        elif self._search is None and not self._is_all_known(now):
            self._search = Search(
                core,
                self._place,
                self._searched,
                is_thorough=result.entry is None,
                is_enough=lambda: result.entry is not None,
            )
            near = core.peers_near(self._place, BUCKET_CONTACTS)
            self._search.start(near or list(core.edges), now)
        else:
            self._finish(now)

    def _searched(self, search: Search, now: Instant) -> None:
        self.result.trace += search.trace
        self._expected = search.expected
        rest = self._unasked()
        if rest:
            self._look(rest, now, width=len(rest), parallel=self._replicas, is_closed=True)
        else:
            self._finish(now)

    def _is_all_known(self, now: Instant) -> bool:
        """Whether looking for other nodes is of no use."""
        if not self.result.answered:
            # Those we know now may have been heard of since this began.
            near = self._core.table.nearest(self._place, self._replicas)
            asked = self._those_asked()
            return all(contact.id in asked for contact in near)
        if now < self._core.knows_all_until:
            return True
        return self.result.entry is None and all(is_all_known(self._core, g) for g in self._gets)

    def _candidates(self) -> list[Candidate]:
        """All nodes that were or could be asked for the entry, one each, nearest first."""
        gets = self._gets
        return list(gets[0]) if len(gets) == 1 else merge(gets)

    def _region(self) -> list[Candidate]:
        """The nodes that should hold the entry, dead ones too, nearest first."""
        met: list[Iterable[Candidate]] = [*self._gets]
        if self._search is not None:
            met.append(self._search.candidates())
        known = [candidate for candidate in merge(met) if candidate.peer.id is not None]
        if self._expected is None:
            self._expected = self._core.expected_distance()
        distances = [candidate.distance for candidate in known]
        return known[: region_size(distances, self._expected, self._replicas)]

    def _unasked(self) -> list[Peer]:
        """Who is in the region and was not asked for the entry."""
        asked = self._those_asked()
        return [
            candidate.peer
            for candidate in self._region()
            if candidate.peer.id not in asked
            and candidate.state is not State.FAILED
            and not candidate.is_given_up
        ]

    def _those_asked(self) -> frozenset[Place | None]:
        return frozenset(c.peer.id for get in self._gets for c in get if c.state is not State.NEW)

    def _is_absent(self) -> bool:
        """Whether all of the region was asked, and most of it answered: what farther nodes say is
        no evidence."""
        region = self._region()
        answered = sum(candidate.peer.public_key in self._told for candidate in region)
        is_over = all(c.state not in (State.NEW, State.ASKED) for c in region)
        return is_over and 2 * answered > len(region)

    def _finish(self, now: Instant) -> None:
        result = self.result
        result.asked = sum(c.state is not State.NEW for c in self._candidates())
        if result.entry is not None:
            is_deleted = result.entry.is_tombstone
            result.found = Found.ABSENT if is_deleted else Found.FOUND
        elif self._is_absent():
            result.found = Found.ABSENT
        self._resolve(now)
        if result.entry is not None and any(
            data is None or data != result.entry.data for data in self._told.values()
        ):
            self._repair(result.entry, now)

    def _resolve(self, now: Instant) -> None:
        """Tell who asked."""
        tally = self._core.tally
        tally.gets[self.result.found] += 1
        tally.get_time.note(now - self._started)
        self._core.resolve(self._operation, self.result)

    def _repair(self, newest: Entry, now: Instant) -> None:
        """Hand the newest version to those of the region that said they have none, or an older."""
        budget = self._replicas
        for candidate in self._region():
            key = candidate.peer.public_key
            if key is None or key not in self._told or not budget:
                continue
            held = self._told[key]
            if held is None or not newest.same_version(held):
                budget -= 1
                self._core.ask(candidate.peer, Put(newest), lambda answer, now: None, now)

    def on_deadline(self, now: Instant) -> None:
        """The time is used up: say how it stands."""
        if not self._gets[-1].is_over:
            self._gets[-1].cancel()
            self.result.trace += self._gets[-1].trace
        elif self._search is not None and not self._search.is_over:
            self._search.cancel()
            self.result.trace += self._search.trace
        else:
            return
        self._finish(now)
