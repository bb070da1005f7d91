"""Who is nearest to a place: what files ask before they put or get a stripe.

Where the whole network is known nobody is asked. Else it is a lookup like that of an entry, with
its precautions; since each answer names 20 nodes, those beyond the nearest eight are known as well.
Not all of them have answered: whoever offers something to one that is gone goes on to the next.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.limits import BUCKET_CONTACTS
from dave.names import Instant, Place
from dave.node.candidate import State
from dave.node.core import peer_of
from dave.node.requests import Peer
from dave.node.search import Search
from dave.node.timers import Timer

if TYPE_CHECKING:
    from dave.node.core import Core


class Nearest:
    """`done` is called once, with up to `count` nodes, nearest first, never this one; with none if
    nobody answered by the deadline."""

    def __init__(
        self, core: "Core", place: Place, count: int,
        done: Callable[[list[Peer], Instant], None], deadline: Instant,
    ) -> None:  # fmt: skip
        self._core = core
        self._place = place
        self._count = count
        self._done = done
        self._deadline = deadline
        self._is_over = False
        self._search: Search | None = None

    def start(self, now: Instant) -> None:
        """Begin; done at once where the whole network is known."""
        core = self._core
        if now < core.knows_all_until:
            near = core.table.nearest(self._place, self._count)
            if len(near) >= min(self._count, core.nodes_known):
                self._end([peer_of(contact) for contact in near], now)
                return
        core.timers.set(self._deadline, Timer.DEADLINE, self)
        self._search = Search(core, self._place, self._located)
        self._search.start(core.peers_near(self._place, BUCKET_CONTACTS), now)

    def on_deadline(self, now: Instant) -> None:
        """Make do with what was found."""
        if not self._is_over and self._search is not None:
            self._search.cancel()
            self._located(self._search, now)

    def _located(self, search: Search, now: Instant) -> None:
        found = search.candidates()
        if any(candidate.state is State.ANSWERED for candidate in found):
            live = [c for c in found if c.state is not State.FAILED and c.peer.id is not None]
            live = [c for c in live if not c.is_given_up]
            self._end([candidate.peer for candidate in live[: self._count]], now)
        else:
            self._end([], now)

    def _end(self, peers: list[Peer], now: Instant) -> None:
        if not self._is_over:
            self._is_over = True
            self._done(peers, now)
