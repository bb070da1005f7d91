"""What the parts that serve shares ask of the world, and who is to be told of each answer.

All of them ask through one of these, so that there is one count of tickets. They are negative: puts
of entries (puts.py), which ask for signatures as well, count theirs upwards.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dave.effects import (
    DropShares,
    Effect,
    ReadShare,
    Rebuild,
    SaveRecord,
    SaveRelease,
    Verify,
    WriteShare,
)
from dave.names import Instant, Owner
from dave.store.shares import Gone
from dave.wire.stripe import Release, StripeRecord

Told = Callable[[bool, Instant], None]
"""Whether the signature is good, or the disk has it."""
Read = Callable[[bytes, int, int, Callable[[bytes | None, Instant], None]], None]
"""Called as ShareEffects.read."""


class ShareEffects:
    """`emit` hands an effect to the world; whoever drives the core brings the answers."""

    def __init__(self, emit: Callable[[Effect], None]) -> None:
        self._emit = emit
        self._last = 0
        self._waiting: dict[int, Callable[[Any, Instant], None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def verify(self, owner: Owner, signed: bytes, done: Told) -> None:
        """Check a signature: `signed` is it and what it signs."""
        self._emit(Verify(self._ticket(done), owner, signed))

    def write(
        self, address: bytes, pieces: Sequence[bytes], record: bytes, mask: int, done: Told
    ) -> None:
        """Keep a share, and the record that says why."""
        self._emit(WriteShare(self._ticket(done), address, pieces, record, mask))

    def save(self, record: bytes, mask: int, done: Told) -> None:
        """Keep a record of shares that are kept."""
        self._emit(SaveRecord(self._ticket(done), record, mask))

    def save_release(self, release: Release, done: Told) -> None:
        """Remember a release."""
        self._emit(SaveRelease(self._ticket(done), release.owner, release.reference))

    def read(
        self, address: bytes, offset: int, count: int, done: Callable[[bytes | None, Instant], None]
    ) -> None:
        """Read a slice of a share; None: it is not there, or not readable."""
        self._emit(ReadShare(self._ticket(done), address, offset, count))

    def rebuild(
        self, record: StripeRecord, shares: Mapping[int, bytes], wanted: Sequence[int],
        done: Callable[[Sequence[bytes], Instant], None],
    ) -> None:  # fmt: skip
        """Compute the shares `wanted` of a stripe from k others, given by number."""
        self._emit(Rebuild(self._ticket(done), record.shape, shares, wanted))

    def drop(self, gone: Gone) -> None:
        """Forget what the index does not hold any more."""
        if gone:
            self._emit(DropShares(*gone))

    def answered(self, ticket: int, result: Any, now: Instant) -> None:
        """The world has answered."""
        self._waiting.pop(ticket)(result, now)

    def _ticket(self, done: Callable[[Any, Instant], None]) -> int:
        self._last -= 1
        self._waiting[self._last] = done
        return self._last
