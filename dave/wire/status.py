"""What a node answers to a PUT, and to a challenge."""

from enum import IntEnum


class PutStatus(IntEnum):
    """Status byte of PUT_ACK; only STORED and SAME mean that the node holds the entry."""

    STORED = 0
    """Committed to the journal under the node's --sync mode."""
    SAME = 1
    """This very version was committed before."""
    STALE = 2
    """A newer version is held; it comes along."""
    CONFLICT = 3
    """Compare-and-set: the version held is not the expected one; it comes along."""
    LOW_WORK = 4
    """The stamp is too weak; detail says how many expected hashes are asked."""
    LOW_RANK = 5
    """The shard is full of entries that rank higher; detail says how many bits are short."""
    OVER_SHARE = 6
    """The owner fills more than its share; detail says how many bits are short."""
    FORGED = 7
    """The signature does not verify."""
    FUTURE = 8
    """The entry's time is over 300 s ahead of the node's clock, which is in detail."""
    EXPIRED = 9
    """The entry's lifetime is over, or an expired version bars it."""
    TOO_LARGE = 10
    """The entry is larger than a shard of this node."""
    READ_ONLY = 11
    """A write failed at this node; it serves reads only."""
    BUSY = 12
    """Too many puts wait already; try again a little later."""


STORED_STATUSES = (PutStatus.STORED, PutStatus.SAME)


class ProofState(IntEnum):
    """Two bits of PROOF: what has become of a version that was promised."""

    MISSING = 0
    """Not held, and nobody was told."""
    HELD = 1
    """Held: its signed bytes are in the hash."""
    NEWER = 2
    """A newer version is held; it is delivered on request, or that is a failure."""
    EVICTED = 3
    """Evicted, and announced as such."""
