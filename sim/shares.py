"""A disk for shares in memory: keeps what was committed, over all starts of a host's process.

Reads are answered at once; what is written is there `commit_ms` later. Lost shares are rebuilt by
the very code that production runs.
"""

from collections.abc import Callable
from typing import Any

from dave.effects import (
    DropShares,
    ReadShare,
    Rebuild,
    SaveRecord,
    SaveRelease,
    ShareEffect,
    WriteShare,
)
from dave.files.stripes import rebuilt
from dave.names import MS, Instant
from dave.store.shares import ShareIndex
from dave.wire.stripe import StripeRecord
from sim.clock import Clock

Answer = Callable[[int, Any], None]
"""Called with the ticket of an effect and what came of it."""


class ShareDisk:
    """The shares of one host, and why it keeps them."""

    def __init__(self, clock: Clock, capacity: int, commit_ms: float = 2.0) -> None:
        self.capacity = capacity
        self.commit_ms = commit_ms
        self.shares: dict[bytes, bytes] = {}
        """By address; a test may change or remove one behind the node's back."""
        self.written = 0
        """Bytes of shares, over all time."""
        self._clock = clock
        self._records: dict[tuple[bytes, bytes, bytes], tuple[StripeRecord, int]] = {}
        """By (stripe id, owner, reference): the record, and which of its shares are here."""
        self._released: list[tuple[bytes, bytes]] = []

    def load(self, index: ShareIndex) -> None:
        """What a process reads when it starts."""
        for owner, reference in self._released:
            index.load_release(owner, reference)
        for record, mask in self._records.values():
            held = [i for i in range(record.n) if record.address(i) in self.shares]
            index.load(record, mask & sum(1 << i for i in held))

    def carry_out(self, effect: ShareEffect, answer: Answer) -> None:
        """Do what a core asked for; `answer` is called if there is one."""
        if isinstance(effect, ReadShare):
            data = self.shares.get(effect.address)
            if data is not None:
                data = data[effect.offset : effect.offset + effect.size]
            answer(effect.ticket, data)
        elif isinstance(effect, DropShares):
            for address in effect.addresses:
                self.shares.pop(address, None)
            for key in effect.records:
                self._records.pop(key, None)
        elif isinstance(effect, Rebuild):
            answer(effect.ticket, rebuilt(effect))
        else:
            due: Instant = self._clock.now + int(self.commit_ms * MS)
            self._clock.schedule(due, self._commit, effect, answer)

    def _commit(self, effect: WriteShare | SaveRecord | SaveRelease, answer: Answer) -> None:
        if isinstance(effect, SaveRelease):
            self._released.append((effect.owner, effect.reference))
        else:
            record = StripeRecord(effect.record)
            key = record.stripe_id, record.owner, record.reference
            mask = self._records[key][1] if key in self._records else 0
            self._records[key] = record, mask | effect.mask
            if isinstance(effect, WriteShare):
                self.shares[effect.address] = b"".join(effect.pieces)
                self.written += len(self.shares[effect.address])
        answer(effect.ticket, True)
