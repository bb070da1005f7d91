"""Brings each entry back to all nodes of its region, when nodes have come or gone.

A sweep walks the store in slices and announces every entry to those members of its region who have
not promised it: who lacks it asks for it. Every replica does so and none must; what one was told
already by another it does not take twice. A sweep after a change looks only at entries near enough
to a changed node. Once an hour, by chance more or less, a sweep looks at all of them, so that
nothing hangs on a change having been seen. Where all is well nothing is sent.
"""

from collections.abc import Callable, Iterator

from dave.limits import (
    REPAIR_AGAIN_SECONDS,
    REPAIR_BACKLOG_MAX,
    REPAIR_CAME_SECONDS,
    REPAIR_CHANGES_MAX,
    REPAIR_LOOK_SECONDS,
    REPAIR_SLICE,
    REPAIR_TICK_MS,
    SHARDS,
    SWEEP_SECONDS,
)
from dave.names import MS, SECOND, EntryId, Instant, Place, place_of
from dave.node.announcer import Announcer
from dave.node.core import Core
from dave.node.regions import Regions
from dave.node.timers import Timer
from dave.peers.choice import by_trust
from dave.store.store import Store

FIND_COST = 16
"""Entries that could be looked at in the time that finding one region takes."""

NEAR_FACTOR = 4
"""The R-th nearest node of an entry is hardly ever this many times farther than expected: in one of
10^5 regions at the density that was estimated, and of 50 after the loss of 60 % of the nodes."""


class Repair:
    """The sweeps of one node. `short_digest` names the version in an entry's bytes."""

    def __init__(
        self, core: Core, store: Store, regions: Regions, announcer: Announcer,
        short_digest: Callable[[bytes], bytes],
    ) -> None:  # fmt: skip
        self._core = core
        self._store = store
        self._regions = regions
        self._announcer = announcer
        self._short_digest = short_digest
        self._changed: dict[Place, None] = {}
        """Nodes that came or went since the last sweep began."""
        self._due: Instant = 0
        self._sweep_all_at: Instant = 0
        self._walk: Iterator[tuple[EntryId, bytes]] | None = None
        self._near: list[Place] | None = None
        """The sweep looks only at entries near these; None: at all."""
        self.is_leaving = False
        self.sweeps = 0
        """Begun."""
        self.lacking = 0
        """Entries that a sweep found not promised by all of their region."""
        self.on_came: Callable[[list[Place], Instant], None] = _nothing
        """Told of nodes that came."""
        announcer.on_silent = self._silent

    def start(self, now: Instant) -> None:
        """Begin to look."""
        self._sweep_all_at = now + self._jittered(SWEEP_SECONDS)
        self._wake(now + self._jittered(REPAIR_LOOK_SECONDS), now)

    def changed(self, node_id: Place, now: Instant) -> None:
        """A node came or went: entries near it are looked at soon."""
        self._changed[node_id] = None
        self._wake(now + self._jittered(REPAIR_TICK_MS / 1000), now)

    def leave(self, now: Instant) -> None:
        """Look at all entries at once, for the region as it is without us."""
        self.is_leaving = True
        self._begin(None)
        self._slice(now)
        if self._walk is not None:
            self._wake(now, now)

    @property
    def is_sweeping(self) -> bool:
        """Whether a sweep is under way."""
        return self._walk is not None

    def left(self, node_id: Place, now: Instant) -> None:
        """A node is gone: what it promised is worth nothing."""
        self._forget(node_id)
        self.changed(node_id, now)

    def on_timer(self, peers: tuple[Place, ...], now: Instant) -> None:
        """Look for changes, or go on with a sweep; or tell peers what they have not pulled, or not
        answered."""
        if peers:
            for peer in peers:
                if self._core.table.get(peer) is not None:
                    self.changed(peer, now)
            return
        if now < self._due:  # another alarm was set since
            return
        if self._walk is None and not self.is_leaving:
            self._look(now)
            if now >= self._sweep_all_at:
                self._sweep_all_at = now + self._jittered(SWEEP_SECONDS)
                self._begin(None)
            elif self._changed:
                self._begin_near_changes(now)
        if self._walk is not None:
            self._slice(now)
        tick = 0.0 if self.is_leaving else REPAIR_TICK_MS / 1000
        self._due = now + self._jittered(REPAIR_LOOK_SECONDS if self._walk is None else tick)
        self._core.timers.set(self._due, Timer.REPAIR, ())

    def _look(self, now: Instant) -> None:
        """Which nodes came and went."""
        table, came = self._core.table, list[Place]()
        for contact in table.take_changes():
            if table.get(contact.id) is None:
                self._forget(contact.id)
                self._changed[contact.id] = None
            else:
                came.append(contact.id)
        if came:
            self.on_came(came, now)
            due = now + self._jittered(REPAIR_CAME_SECONDS)
            self._core.timers.set(due, Timer.REPAIR, tuple(came))

    def _forget(self, node_id: Place) -> None:
        self._core.promises.forget_peer(node_id)
        self._announcer.forget(node_id)

    def _silent(self, peer: Place, now: Instant) -> None:
        """A peer did not answer an ANNOUNCE. If it lives on, it is told again later."""
        again = now + self._jittered(REPAIR_AGAIN_SECONDS)
        self._core.timers.set(again, Timer.REPAIR, (peer,))

    def _begin_near_changes(self, now: Instant) -> None:
        changed, self._changed = list(self._changed), {}
        near = self._reach(now)
        own = self._core.identity.id
        assert own is not None
        # Nearly all that we hold lies within reach of us, and what a change concerns within reach
        # of the changed node: so that lies within twice the reach.
        changed = [place for place in changed if place ^ own <= 2 * near]
        if changed:
            self._begin(changed if len(changed) <= REPAIR_CHANGES_MAX else None)

    def _begin(self, near: list[Place] | None) -> None:
        self._near = near
        self.sweeps += 1
        held = self._store.held_in_shard
        self._walk = (item for n in range(SHARDS) for item in held(n))

    def _reach(self, now: Instant) -> int:
        """How far from an entry the farthest node of its region is, at most."""
        expected = self._regions.expected_distance(now)
        ring = (1 << 64) - 1
        return ring if expected is None else min(NEAR_FACTOR * expected, ring)

    def _slice(self, now: Instant) -> None:
        """Look at the next entries; ends the sweep with the last."""
        assert self._walk is not None
        if self._announcer.backlog >= REPAIR_BACKLOG_MAX:
            return
        near, reach, budget = self._near, self._reach(now), REPAIR_SLICE
        for entry_id, data in self._walk:
            budget -= 1
            place = place_of(entry_id)
            if near is None or any(changed ^ place <= reach for changed in near):
                budget -= FIND_COST
                self._look_at(entry_id, data, place, now)
            if budget <= 0:
                return
        self._walk = None

    def _look_at(self, entry_id: EntryId, data: bytes, place: Place, now: Instant) -> None:
        """Announce an entry to who should hold it and has not promised it."""
        has_promised = self._core.promises.has
        if self.is_leaving:
            region, is_in = self._regions.without_us(place, now), True
        else:
            region, is_in = self._regions.of(place, now)
        unpromised = [contact for contact in region if not has_promised(contact.id, entry_id)]
        if not unpromised or self._store.get(entry_id, self._core.unix_ms(now)) is not data:
            return
        self.lacking += 1
        core = self._core
        unpromised = by_trust(unpromised, core.trust, core.table.rtt, core.rng, now)
        # What we hold for others is theirs to announce, as long as they seem to hold it. One is
        # asked, so that we hear of it if ours is out of date.
        promised = len(region) - len(unpromised)
        if not is_in and 2 * promised >= min(len(region), core.tuning.replicas):
            unpromised = unpromised[:1]
        short_digest = self._short_digest(data)
        for contact in unpromised:
            self._announcer.announce(
                contact.id, entry_id, short_digest, now, at_once=self.is_leaving
            )

    def _wake(self, when: Instant, now: Instant) -> None:
        if now < self._due <= when:
            return  # or a trickle of changes would put it off for ever
        self._due = when
        self._core.timers.set(when, Timer.REPAIR, ())

    def _jittered(self, seconds: float) -> int:
        return int(seconds * SECOND * (0.75 + 0.5 * self._core.rng.random()))


def _nothing(_changed: list[Place], _now: Instant) -> None:
    return None


assert REPAIR_TICK_MS * MS < SECOND
