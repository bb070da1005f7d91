"""Answers audits of shares: which shares of some stripes are held here, and the leaves asked for.

Anybody may ask, as anybody may fetch a share. A leaf costs the reading and hashing of its share, so
each asker has a budget, and few audits are answered at a time. That reading is a scrub besides: a
share whose bytes do not fit its address is told to `on_damaged`.
"""

from collections.abc import Callable
from typing import Protocol

from dave.crypto import merkle
from dave.drops import Drop
from dave.errors import WireError
from dave.names import SECOND, Instant
from dave.node.core import Core
from dave.node.streams import LiveSource
from dave.share_limits import (
    SHARE_AUDITED_BURST,
    SHARE_AUDITED_PEERS_MAX,
    SHARE_AUDITED_PER_SECOND,
    SHARE_AUDITS_SERVED_MAX,
)
from dave.wire.share_audit import LACKING, AuditRequest, HeldMasks, LeafAsked, LeafShown
from dave.wire.stripe import StripeRecord

_STEP = SECOND // SHARE_AUDITED_PER_SECOND
_AHEAD = SHARE_AUDITED_BURST * _STEP

Read = Callable[[bytes, int, int, Callable[[bytes | None, Instant], None]], None]
"""Read (address, offset, count), then call with the bytes, or None."""


class Index(Protocol):
    """What an answer needs of the index of shares."""

    def holds(self, address: bytes) -> int | None:
        """The size of a share that is held."""

    def stripe(self, stripe_id: bytes) -> tuple[StripeRecord, int] | None:
        """The record of a stripe, and which of its shares are here."""


class ShareProver:
    """The answers of one node; `serve` is the handler of its streams of kind AUDIT."""

    def __init__(
        self, core: Core, index: Index, read: Read, on_damaged: Callable[[bytes, Instant], None]
    ) -> None:
        self._core = core
        self.index = index
        self.read = read
        self.on_damaged = on_damaged
        self._full: dict[bytes, Instant] = {}
        """When the budget of each asker will be whole again; peers/limiter.py says how."""
        self.open = 0
        """Audits being answered."""
        self.answered = 0

    def serve(self, asker: bytes, request: bytes, now: Instant) -> "AuditSource | None":
        """The answer to an audit, or None."""
        try:
            asked = AuditRequest.read(request)
        except WireError:
            self._core.drops.add(Drop.SHARE_AUDIT)
            return None
        if self.open >= SHARE_AUDITS_SERVED_MAX or not self._spend(asker, asked, now):
            self._core.drops.add(Drop.SHARE_AUDIT)
            return None
        self.open += 1
        self.answered += 1
        return AuditSource(self, asked)

    def _spend(self, asker: bytes, asked: AuditRequest, now: Instant) -> bool:
        """Whether the asker's budget has room for this. Naming stripes costs as much as a leaf."""
        units = len(asked.leaves) + bool(asked.stripes)
        full = max(self._full.get(asker, 0), now) + units * _STEP
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
        self._is_reading = False
        self._made: bytes | None = None

    def next_piece(self, now: Instant) -> bytes | None:
        """The masks, or a leaf; empty while a share is being read."""
        if self._stripes:
            held = [self._prover.index.stripe(stripe_id) for stripe_id in self._stripes]
            self._stripes = ()
            return HeldMasks(tuple(0 if each is None else each[1] for each in held)).encode()
        if self._made is None and not self._is_reading:
            if not self._leaves:
                return None
            self._ask(self._leaves.pop())
        made, self._made = self._made, None
        return made or b""

    def close(self) -> None:
        """The stream has ended."""
        self._prover.open -= 1

    def _ask(self, asked: LeafAsked) -> None:
        """Read the share of a leaf, if it is here."""
        size = self._prover.index.holds(asked.address)
        if size is None or asked.number >= merkle.leaf_count(size):
            self._made = LACKING.encode()
            return
        self._is_reading = True

        def came(data: bytes | None, now: Instant) -> None:
            self._is_reading = False
            self._made = self._shown(asked, size, data, now).encode()
            self.wake()

        self._prover.read(asked.address, 0, size, came)

    def _shown(self, asked: LeafAsked, size: int, data: bytes | None, now: Instant) -> LeafShown:
        if data is None:
            return LACKING  # not there, or not readable just now: who reads finds out
        if len(data) == size:
            leaf, path = merkle.path(data, asked.number)
            if merkle.check(asked.address, size, asked.number, leaf, path):
                return LeafShown(leaf, path)
        self._prover.on_damaged(asked.address, now)
        return LACKING
