"""What a node says to the offer of a share."""

from enum import IntEnum


class ShareStatus(IntEnum):
    """A verdict's byte; only HELD and STORED mean that the node keeps the share, by that record."""

    WANTED = 0
    """Send it."""
    HELD = 1
    """It was here, and the record is committed."""
    STORED = 2
    """Share and record are committed under the node's --sync mode."""
    LOW_WORK = 3
    """The stamp is too weak; detail says how many expected hashes are asked."""
    LOW_RANK = 4
    """The node is full of stripes that rank higher; detail says how many bits are short."""
    FULL = 5
    """There is no room, whatever the rank; detail says how many kibibytes the node gives in all."""
    EXPIRED = 6
    """The record's lifetime is over."""
    FUTURE = 7
    """The record's time is ahead of the node's clock, by detail seconds."""
    RELEASED = 8
    """The owner has released that upload."""
    BUSY = 9
    """Too much is on its way already; try again a little later."""
    BAD = 10
    """No share of that number, a signature that does not verify, or bytes of another address."""
    READ_ONLY = 11
    """A write failed at this node: its disk is full or broken."""
    NO_ANSWER = 64
    """Never said: nobody answers there, or nobody who takes shares."""
    TIMED_OUT = 65
    """Never said: no verdict came in time."""


KEPT_STATUSES = (ShareStatus.HELD, ShareStatus.STORED)
SHARE_STATUS_MAX = ShareStatus.READ_ONLY
"""The last of those that travel."""
