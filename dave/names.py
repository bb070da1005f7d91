"""The words of the field that every part shares, as types.

All are plain bytes and integers: names cost nothing at run time, and mypy checks their shapes.
"""

from typing import Protocol

Address = tuple[str, int]
"""(host, port): host is an IPv4 or IPv6 literal, never a name."""

Instant = int
"""Nanoseconds on a clock that never steps back; its zero means nothing."""

UnixMs = int
"""Milliseconds since 1970-01-01 UTC."""

HybridTime = int
"""Hybrid logical clock: 48 bits of Unix milliseconds, then a 16-bit counter (section 4)."""

EntryId = bytes
"""32 bytes: BLAKE3 of owner and key. The entry's identity."""

Owner = bytes
"""32 bytes: an Ed25519 public key."""

Place = int
"""A point on the 64-bit XOR ring: of an entry, the first 8 bytes of its id; of a node, its id."""

MS = 1_000_000
"""Nanoseconds in a millisecond."""
SECOND = 1_000_000_000
"""Nanoseconds in a second."""


class Rng(Protocol):
    """Randomness as an argument: random.SystemRandom() in production, random.Random(seed) in a
    simulation."""

    def randbytes(self, n: int, /) -> bytes: ...
    def random(self) -> float: ...
    def randrange(self, stop: int, /) -> int: ...
    def getrandbits(self, k: int, /) -> int: ...


def place_of(entry_id: EntryId) -> Place:
    """Where an entry stands on the ring: the first 8 bytes of its id, big-endian."""
    return int.from_bytes(entry_id[:8], "big")


def hybrid_time(unix_ms: UnixMs, count: int = 0) -> HybridTime:
    """A hybrid logical clock reading from Unix milliseconds and a counter below 65,536."""
    return unix_ms << 16 | count


def hybrid_ms(time: HybridTime) -> UnixMs:
    """The Unix milliseconds of a hybrid logical clock reading."""
    return time >> 16
