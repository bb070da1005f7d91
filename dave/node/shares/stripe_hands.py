"""What a job on a stripe (stripe_job.py) has done: by the disk, by other nodes, by who computes."""

from collections.abc import Callable, Sequence
from typing import Any

from dave.names import SECOND, Instant, Place
from dave.node.core import Core, peer_of
from dave.node.shares.fetches import Fetches
from dave.node.shares.service import ShareService
from dave.node.shares.stripe_job import Came, Rebuilt
from dave.node.shares.uploads import Uploads
from dave.share_limits import (
    STRIPE_FETCH_SECONDS,
    STRIPE_PLACE_SECONDS,
    STRIPE_REFUSED_SECONDS,
    STRIPE_REFUSERS_MAX,
    STRIPE_TAKEN_MAX,
)
from dave.wire.share_status import KEPT_STATUSES, ShareStatus
from dave.wire.shares import ShareOutcome
from dave.wire.stripe import StripeRecord

_NO_ROOM = (ShareStatus.LOW_WORK, ShareStatus.LOW_RANK, ShareStatus.FULL, ShareStatus.READ_ONLY)
"""Verdicts that the next share is likely to get as well."""


class StripeHands:
    """Of one node."""

    def __init__(
        self, core: Core, service: ShareService, uploads: Uploads, fetches: Fetches
    ) -> None:
        self._core = core
        self._service = service
        self._index = service.index
        self._effects = service.effects
        self._uploads = uploads
        self._fetches = fetches
        self._refused: dict[Place, Instant] = {}
        """Who had no room for a share, and when; the longest ago first."""
        self._taken: dict[tuple[Place, bytes, int], Instant] = {}
        """Who took which share of which stripe from us, and when; the longest ago first."""

    def is_here(self, address: bytes) -> bool:
        """Whether this node holds that share."""
        return self._index.holds(address) is not None

    def read(self, address: bytes, size: int, came: Came, now: Instant) -> None:
        """Read a share of our own."""
        self._effects.read(address, 0, size, came)

    def fetch(self, peer: Place, address: bytes, came: Came, now: Instant) -> None:
        """Fetch a share, whose address was checked; None: no such share came."""
        contact = self._core.table.get(peer)
        if contact is None:
            came(None, now)
            return
        shares: list[bytes | None] = []
        self._fetches.fetch(
            peer_of(contact),
            [address],
            lambda _address, data, _now: shares.append(data),
            lambda _status, now: came(shares[0] if shares else None, now),
            now,
            now + STRIPE_FETCH_SECONDS * SECOND,
        )

    def rebuild(
        self, record: StripeRecord, shares: dict[int, bytes], wanted: Sequence[int],
        done: Rebuilt,
    ) -> None:  # fmt: skip
        """Compute the shares `wanted` from k others."""
        self._effects.rebuild(record, shares, wanted, done)

    def place(
        self, peer: Place, record: StripeRecord, number: int, share: bytes,
        done: Callable[[bool, Instant], None], now: Instant,
    ) -> None:  # fmt: skip
        """Offer a share to a peer, by all the records that keep it here: the upload that one of
        them belongs to may be released before another. A peer that took it within the hour and
        lacks it again has no room for shares, or has us fetch and place them for nothing."""
        if peer == self._core.identity.id:
            self._keep(record, number, share, done, now)
            return
        name = (peer, record.stripe_id, number)
        taken = self._taken.get(name)
        if taken is not None and now - taken < STRIPE_REFUSED_SECONDS * SECOND:
            self._note_refusal(peer, now)
            done(False, now)
            return
        records = self._index.records(record.stripe_id) or [record]
        deadline = now + STRIPE_PLACE_SECONDS * SECOND

        def offer(now: Instant) -> None:
            contact = self._core.table.get(peer)
            if contact is None:
                done(is_kept, now)
                return
            self._uploads.put(
                peer_of(contact), records.pop(), number, share, answered, now, deadline
            )

        is_kept = False

        def answered(outcome: ShareOutcome, now: Instant) -> None:
            nonlocal is_kept
            is_kept = is_kept or outcome.is_stored
            if outcome.status in _NO_ROOM:
                self._note_refusal(peer, now)
            elif records:
                offer(now)
                return
            if is_kept:
                _note(self._taken, name, STRIPE_TAKEN_MAX, now)
            done(is_kept, now)

        offer(now)

    def takes(self, peer: Place, now: Instant) -> bool:
        """Whether the peer may have room: it has not refused a share for want of it of late."""
        refused = self._refused.get(peer)
        return refused is None or now - refused >= STRIPE_REFUSED_SECONDS * SECOND

    def _note_refusal(self, peer: Place, now: Instant) -> None:
        _note(self._refused, peer, STRIPE_REFUSERS_MAX, now)

    def _keep(
        self, record: StripeRecord, number: int, share: bytes,
        done: Callable[[bool, Instant], None], now: Instant,
    ) -> None:  # fmt: skip
        """A share comes back that was lost here; its record was verified when it first came."""
        judgement = self._service.judge(record, number, now)
        if judgement.status is ShareStatus.WANTED:
            self._service.write(
                record, number, judgement.mask, [share],
                lambda status, now: done(status in KEPT_STATUSES, now),
            )  # fmt: skip
            return
        if judgement.status in _NO_ROOM:
            self._note_refusal(self._core.identity.id or 0, now)
        done(judgement.status in KEPT_STATUSES, now)


def _note(table: dict[Any, Instant], name: Any, most: int, now: Instant) -> None:
    """Put a name last; the first goes where there are too many."""
    table.pop(name, None)
    if len(table) >= most:
        del table[next(iter(table))]
    table[name] = now
