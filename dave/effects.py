"""All that the core can ask of the world. It has no socket, clock, file or thread of its own: it
returns these, and whoever drives it (edge/ in production, sim/ in a simulation) carries them out
and reports back.

Datagrams to send are not wrapped: `datagrams_to_send` returns (bytes, address) pairs, since they
are the hot path.
"""

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


Effect = Verify | Append | Resolve | Dial | Transmit | HangUp
