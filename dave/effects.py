"""All that the core can ask of the world. It has no socket, clock, file or thread of its own: it
returns these, and whoever drives it (edge/ in production, sim/ in a simulation) carries them out
and reports back.

Datagrams to send are not wrapped: `datagrams_to_send` returns (bytes, address) pairs, since they
are the hot path.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dave.names import Address


class Verify(NamedTuple):
    """Check Ed25519 signatures; answer with `verified(ticket, verdict, now)`."""

    ticket: int
    owner: bytes
    signed: bytes
    """Signature (64 bytes), then the bytes that it signs."""


class Append(NamedTuple):
    """Write one journal record; answer with `appended(ticket, ok, now)` once it is committed under
    the mode of --sync, in the order of appending."""

    ticket: int
    record: bytes


class Resolve(NamedTuple):
    """An operation that the application started has ended with `result` (a value or an error)."""

    operation: int
    result: Any


class Dial(NamedTuple):
    """Connect to a peer's bulk channel; answer with `streams.dialled(link, now)`, or with
    `streams.closed(link, now)` if that fails."""

    link: int
    address: Address


class Transmit(NamedTuple):
    """A connection has something to send: call `streams.pull(link, now)` whenever there is room,
    until that returns nothing."""

    link: int


class HangUp(NamedTuple):
    """Close a connection, or give up dialling. It is not reported back."""

    link: int


class WriteShare(NamedTuple):
    """Keep a share beside a record that names it; answer with `share_answered(ticket, ok, now)`
    once both are committed under the mode of --sync. Not ok: the disk is full or broken, and
    nothing is kept."""

    ticket: int
    address: bytes
    pieces: Sequence[bytes]
    """The share's bytes, in order; the caller has checked that they have this address."""
    record: bytes
    """A stripe record (wire/stripe.py) whose signature was verified."""
    mask: int
    """Bit i: share i of the stripe is held here, by that record; the new one among them."""


class SaveRecord(NamedTuple):
    """Keep one more record of shares that are held, or a better one in place of one with the same
    owner, reference and stripe; answer with `share_answered(ticket, ok, now)`."""

    ticket: int
    record: bytes
    mask: int


class ReadShare(NamedTuple):
    """Read a slice of a share; answer with `share_answered(ticket, data, now)`, None for one
    that is not there or damaged, b"" where the system cannot read now. Some are answered at once,
    before the round of effects is over."""

    ticket: int
    address: bytes
    offset: int
    size: int
    """Bytes, at most; fewer where the share ends."""


class DropShares(NamedTuple):
    """Forget shares and records; not reported back. A read that is under way may still succeed."""

    addresses: Sequence[bytes]
    records: Sequence[tuple[bytes, bytes, bytes]]
    """(stripe id, owner, reference) each."""


class SaveRelease(NamedTuple):
    """Remember that an upload was released; answer with `share_answered(ticket, ok, now)`, after
    whatever was asked to be dropped before is gone."""

    ticket: int
    owner: bytes
    reference: bytes


class Rebuild(NamedTuple):
    """Compute lost shares of a stripe from k others (files/stripes.py, `rebuild`); answer with
    `share_answered(ticket, shares, now)`, in the order of `wanted`."""

    ticket: int
    shape: tuple[int, int, int, int]
    """k, n, share bytes, last bytes."""
    shares: Mapping[int, bytes]
    """By number, each of its own size."""
    wanted: Sequence[int]


ShareEffect = WriteShare | SaveRecord | ReadShare | DropShares | SaveRelease | Rebuild
"""What only a node asks for, about the shares that it keeps."""

NodeEffect = Verify | Append | ShareEffect
"""What a client's core never asks for."""

Effect = Resolve | Dial | Transmit | HangUp | NodeEffect
