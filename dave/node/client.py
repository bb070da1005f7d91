"""The verbs of an application on the core: put, get, ping.

A client is a session without a stamped id: it asks, is never asked, and never enters a table.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dave.crypto.identity import Identity
from dave.crypto.network import Network
from dave.names import EntryId, HybridTime, Instant, Place, Rng
from dave.node.check import CheckOperation
from dave.node.core import Core
from dave.node.get import GetOperation
from dave.node.put import PutOperation
from dave.node.requests import Peer
from dave.node.timers import Timer
from dave.tuning import DEFAULT, Tuning
from dave.wire.entry import Entry

if TYPE_CHECKING:
    from dave.node.shares.fetches import Fetches
    from dave.node.shares.queries import ShareQueries
    from dave.node.shares.uploads import Uploads
    from dave.node.watch import WatchOperation
    from dave.node.watchers import Watchers


class Client(Core):
    """A core with operations. Each returns a number; an effect Resolve(number, result) ends it."""

    def __init__(
        self,
        identity: Identity,
        network: Network,
        rng: Rng,
        edges: Sequence[Peer] = (),
        tuning: Tuning = DEFAULT,
    ) -> None:
        super().__init__(identity, network, rng, edges, tuning)
        self._operations = 0
        self.watchers: Watchers | None = None
        """Made with the first watch: few commands need what it loads."""
        self._on_timer |= {
            Timer.LOOKUP: lambda subject, now: subject[0].on_timer(subject[1], now),
            Timer.DEADLINE: lambda operation, now: operation.on_deadline(now),
            Timer.HALF_TIME: lambda put, now: put.on_half_time(now),
            Timer.RETRY_PUT: _retry_put,
            Timer.WATCH: lambda operation, now: operation.on_timer(now),
            Timer.GIVE_UP: lambda subject, now: subject[0].give_up(subject[1], now),
            Timer.SHARES: lambda look, now: look(now),
        }

    def put(
        self, entry: Entry, now: Instant, deadline: Instant, expected: HybridTime | None = None
    ) -> int:
        """Hand a signed, stamped entry to the nodes nearest to it.

        The number returned is resolved at quorum, the number after it when all have answered.
        """
        operation = self.next_operation(2)
        PutOperation(self, operation, entry, expected, deadline).start(now)
        self.settle(now)
        return operation

    def get(self, entry_id: EntryId, now: Instant, deadline: Instant, quorum: int = 2) -> int:
        """Find the newest version of an entry; `quorum` nodes must agree, 0: ask all of R."""
        operation = self.next_operation()
        GetOperation(self, operation, entry_id, quorum, deadline).start(
            now, self.own(entry_id, now)
        )
        self.settle(now)
        return operation

    def check(self, entry: Entry, now: Instant, deadline: Instant) -> int:
        """Have the nodes that should hold this version prove it."""
        operation = self.next_operation()
        CheckOperation(self, operation, entry, deadline).start(now)
        self.settle(now)
        return operation

    def watch(
        self, entry_id: EntryId, now: Instant, deadline: Instant, kept: int
    ) -> "WatchOperation":
        """Be told of each version of an entry, and of its end; at most `kept` versions wait to be
        read. Its `wake` is the number that is resolved when one has come. `deadline`: of the first
        look."""
        if self.watchers is None:
            from dave.node.watchers import Watchers

            self.watchers = Watchers(self, self.next_operation)
            self.handlers[16] = self.watchers.on_notify
        operation = self.watchers.begin(entry_id, kept, now, deadline)
        self.settle(now)
        return operation

    def unwatch(self, operation: "WatchOperation", now: Instant) -> None:
        """End a watch, and give its leases back."""
        if self.watchers is not None:
            self.watchers.end(operation, now)
            self.settle(now)

    # --- Shares of files; made at first use: few commands need what they load ------------------

    @cached_property
    def uploads(self) -> "Uploads":
        """Offers shares to nodes."""
        from dave.node.shares.uploads import Uploads

        return Uploads(self)

    @cached_property
    def fetches(self) -> "Fetches":
        """Fetches shares from nodes."""
        from dave.node.shares.fetches import Fetches

        return Fetches(self)

    @cached_property
    def share_queries(self) -> "ShareQueries":
        """Asks who holds what, and has uploads dropped."""
        from dave.node.shares.queries import ShareQueries

        return ShareQueries(self)

    def nearest(self, place: Place, count: int, now: Instant, deadline: Instant) -> int:
        """Find up to `count` nodes nearest to a place, never this one; resolved with a list of
        Peer, nearest first, empty if nobody answers."""
        from dave.node.shares.nearest import Nearest

        operation = self.next_operation()

        def done(peers: list[Peer], now: Instant) -> None:
            self.resolve(operation, peers)

        Nearest(self, place, count, done, deadline).start(now)
        self.settle(now)
        return operation

    def next_operation(self, count: int = 1) -> int:
        """A number that nobody waits on yet, the first of `count`: whoever waits for what is under
        way waits on it until it is resolved."""
        self._operations += count
        return self._operations - count + 1


def _retry_put(subject: tuple[PutOperation, Peer, int], now: Instant) -> None:
    operation, peer, tries = subject
    operation.retry(peer, tries, now)
