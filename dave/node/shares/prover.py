"""Answers audits of shares: which shares of some stripes are held here, and the leaves asked for.

Anybody may ask, as anybody may fetch a share. A leaf costs the reading and hashing of its share, so
each asker has a budget of leaves, and few shares are read at a time; others wait for their turn.
Nobody is refused because of others: who takes its answer slowly, or never, holds a leaf, and keeps
nobody from being shown that this node holds what it says. That reading is a scrub besides: a share
whose bytes do not fit its address is told to `on_damaged`.
"""

from collections import deque
from collections.abc import Callable

from dave.crypto import merkle
from dave.drops import Drop
from dave.errors import WireError
from dave.names import SECOND, Instant
from dave.node.core import Core
from dave.node.shares.effects import Read
from dave.node.streams import LiveSource
from dave.share_limits import (
    SHARE_AUDITED_BURST,
    SHARE_AUDITED_PEERS_MAX,
    SHARE_AUDITED_PER_SECOND,
    SHARE_AUDITS_READ_MAX,
)
from dave.store.shares import ShareIndex
from dave.wire.share_audit import LACKING, AuditRequest, HeldMasks, LeafAsked, LeafShown

_STEP = SECOND // SHARE_AUDITED_PER_SECOND
_AHEAD = SHARE_AUDITED_BURST * _STEP


class ShareProver:
    """The answers of one node; `serve` is the handler of its streams of kind AUDIT."""

    def __init__(
        self,
        core: Core,
        index: ShareIndex,
        read: Read,
        on_damaged: Callable[[bytes, Instant], None],
    ) -> None:
        self._core = core
        self.index = index
        self.read = read
        self.on_damaged = on_damaged
        self._full: dict[bytes, Instant] = {}
        """When the budget of each asker will be whole again; peers/limiter.py says how."""
        self.reading = 0
        """Shares being read."""
        self._turns: deque[AuditSource] = deque()
        """Whose next share is to be read; as many as there are streams at most."""
        self._is_going_on = False
        self.answered = 0

    def serve(self, asker: bytes, request: bytes, now: Instant) -> "AuditSource | None":
        """The answer to an audit, or None."""
        try:
            asked = AuditRequest.read(request)
        except WireError:
            self._core.drops.add(Drop.SHARE_AUDIT)
            return None
        if not self._spend(asker, len(asked.leaves), now):
            self._core.drops.add(Drop.SHARE_AUDIT)
            return None
        self.answered += 1
        return AuditSource(self, asked)

    def wants(self, source: "AuditSource") -> None:
        """Read its next share when it is its turn."""
        self._turns.append(source)
        self._go_on()

    def has_read(self) -> None:
        """A share was read."""
        self.reading -= 1
        self._go_on()

    def _go_on(self) -> None:
        if self._is_going_on:  # a share that is in memory comes from inside `read`
            return
        self._is_going_on = True
        while self._turns and self.reading < SHARE_AUDITS_READ_MAX:
            self.reading += 1
            self._turns.popleft().read()
        self._is_going_on = False

    def _spend(self, asker: bytes, leaves: int, now: Instant) -> bool:
        """Whether the asker's budget has room for so many leaves. Naming stripes is free, as in
        STRIPES: after a death an honest node asks about thousands."""
        if not leaves:
            return True
        full = max(self._full.get(asker, 0), now) + leaves * _STEP
        if full - now > _AHEAD:
            return False
        if len(self._full) >= SHARE_AUDITED_PEERS_MAX and asker not in self._full:
            self._full.clear()
        self._full[asker] = full
        return True


class AuditSource(LiveSource):
    """One answer: the masks at once, then a leaf after the other as the disk gives them."""

    def __init__(self, prover: ShareProver, asked: AuditRequest) -> None:
        super().__init__()
        self._prover = prover
        self._stripes = asked.stripes
        self._leaves = list(reversed(asked.leaves))
        self._reading: LeafAsked | None = None
        self._is_over = False
        self._made: bytes | None = None

    def next_piece(self, now: Instant) -> bytes | None:
        """The masks, or a leaf; empty while a share is being read."""
        if self._stripes:
            held = [self._prover.index.stripe(stripe_id) for stripe_id in self._stripes]
            self._stripes = ()
            return HeldMasks(tuple(0 if each is None else each[1] for each in held)).encode()
        if self._made is None and self._reading is None:
            if not self._leaves:
                return None
            self._ask(self._leaves.pop())
        made, self._made = self._made, None
        return made or b""

    def close(self) -> None:
        """The stream has ended."""
        self._is_over = True

    def _ask(self, asked: LeafAsked) -> None:
        """Have the share of a leaf read, if it is here."""
        size = self._prover.index.holds(asked.address)
        if size is None or asked.number >= merkle.leaf_count(size):
            self._made = LACKING.encode()
            return
        self._reading = asked
        self._prover.wants(self)

    def read(self) -> None:
        """It is our turn."""
        asked = self._reading
        assert asked is not None
        size = self._prover.index.holds(asked.address)
        if self._is_over or size is None:
            self._came(LACKING)
            return

        def came(data: bytes | None, now: Instant) -> None:
            self._came(self._shown(asked, size, data, now))

        self._prover.read(asked.address, 0, size, came)

    def _came(self, shown: LeafShown) -> None:
        self._reading = None
        self._made = shown.encode()
        self.wake()
        self._prover.has_read()

    def _shown(self, asked: LeafAsked, size: int, data: bytes | None, now: Instant) -> LeafShown:
        if data is not None and len(data) == size:
            leaf, path = merkle.path(data, asked.number)
            if merkle.check(asked.address, size, asked.number, leaf, path):
                return LeafShown(leaf, path)
        if data != b"":
            self._prover.on_damaged(asked.address, now)
        return LACKING
