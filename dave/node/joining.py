"""Finding one's place: a node looks up its own id, so that it and its neighbours know each other.

It does so at the start, when those next to it have changed, and else once an hour; places in
buckets that have room are looked up once an hour, one after another. While a node knows nobody it
asks its edges, ever more seldom. An idle network is silent in between.
"""

from typing import TYPE_CHECKING

from dave.limits import (
    BUCKET_CONTACTS,
    JOIN_SECONDS_AGAIN,
    JOIN_SECONDS_FIRST,
    JOIN_SECONDS_MAX,
    REFRESH_SECONDS,
    REPLICAS,
)
from dave.names import SECOND, Instant, Place
from dave.node.core import peer_of
from dave.node.lookup import Lookup, go_on
from dave.node.timers import Timer
from dave.wire.messages import Find

if TYPE_CHECKING:
    from dave.node.node import Node

_NEVER = -(1 << 62)


class Joining:
    """The lookups by which one node keeps its routing table."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._wait = JOIN_SECONDS_FIRST
        """Until the next look, in seconds; it grows while nothing happens."""
        self._due: Instant = 0
        self._near: list[Place] = []
        """The neighbours when our own id was last looked up."""
        self._looked_at: Instant = _NEVER
        self._wanted: Instant = -_NEVER
        """When to look because somebody said there is a reason."""
        self._refreshed_at: Instant = _NEVER
        self._open_bits: list[int] = []
        """Buckets that are still to be refreshed; 0, our own id once more, is the last."""

    def start(self, now: Instant) -> None:
        """Begin as soon as it is known whether we can be reached, or nobody says."""
        self._set(now + JOIN_SECONDS_FIRST * SECOND)

    def soon(self, now: Instant) -> None:
        """There is a reason to look: at once, or a while after the last time."""
        due = max(now, self._looked_at + JOIN_SECONDS_AGAIN * SECOND)
        self._wanted = min(self._wanted, due)
        self._wait = JOIN_SECONDS_FIRST
        if due < self._due:
            self._set(due)

    def on_timer(self, _subject: None, now: Instant) -> None:
        """Look whether there is a reason to look."""
        if now < self._due:
            return
        node = self._node
        if node.reach.is_waiting:
            self._set(now + JOIN_SECONDS_FIRST * SECOND)
            return
        is_changed = now >= self._wanted or self._is_changed()
        wait = self._wait = JOIN_SECONDS_FIRST if is_changed else self._wait
        self._wait = min(2 * wait, JOIN_SECONDS_MAX)
        is_old = node.is_reached and now - self._refreshed_at >= REFRESH_SECONDS * SECOND
        if not len(node.table) or is_old or is_changed:
            is_new_here = is_old or bool(self._open_bits)
            self._look_up_own(BUCKET_CONTACTS if is_new_here else REPLICAS, now)
        elif self._open_bits:
            bits = self._open_bits.pop(0)
            if bits:
                self._refresh(bits, now)
            else:  # by now we know whom to ask
                self._look_up_own(BUCKET_CONTACTS, now)
            wait = JOIN_SECONDS_FIRST
        if len(node.table) and is_old:
            self._refreshed_at = now
            self._open_bits = [*node.table.open_bits(), 0]
            node.reach.ask_some(now)
        self._set(min(now + node.jittered(wait), self._wanted))

    def _is_changed(self) -> bool:
        """Whether those next to us have changed. A node that nobody reaches is no neighbour, and
        keeps still: whom it leaves alone can test one day whether it is reached."""
        node = self._node
        if not node.is_reached:
            return len(node.table) < REPLICAS
        return bool(len(node.table)) and self._near != self._neighbours()

    def _look_up_own(self, width: int, now: Instant) -> None:
        """Ask the `width` nearest to us, and the edges: through them the halves of a split network
        find each other."""
        node = self._node
        self._looked_at = now
        self._wanted = -_NEVER
        near = node.peers_near(node.id)
        known = {contact.address for contact in node.table}
        if not known:
            near += [peer_of(contact) for contact in node.table.lost(now)[:REPLICAS]]
        at = {peer.address for peer in near}
        near += [e for e in node.edges if e.address not in known and e.address not in at]

        def done(_lookup: Lookup, now: Instant) -> None:
            self._near = self._neighbours()
            node.liveness.heard_of_some(now)

        if near:
            Lookup(node, node.id, Find(node.id), go_on, done, width=width).start(near, now)

    def _refresh(self, bits: int, now: Instant) -> None:
        """Look up a place drawn at random in a bucket: distances from us have so many bits."""
        node = self._node
        place = node.id ^ (1 << bits - 1 | node.rng.getrandbits(64) & (1 << bits - 1) - 1)
        peers = node.peers_near(place)

        def done(_lookup: Lookup, now: Instant) -> None:
            node.liveness.heard_of_some(now)

        Lookup(node, place, Find(place), go_on, done).start(peers, now)

    def _neighbours(self) -> list[Place]:
        node = self._node
        return [contact.id for contact in node.table.nearest(node.id, BUCKET_CONTACTS)]

    def _set(self, due: Instant) -> None:
        self._due = due
        self._node.timers.set(due, Timer.JOIN)
