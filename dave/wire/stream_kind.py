"""What is asked for on a stream of the bulk channel."""

from enum import IntEnum


class StreamKind(IntEnum):
    """The first byte of a request."""

    SYNC = 1
    """The gap in a journal's sequence (sync.py)."""
    FETCH = 16
    """Shares of stripes (shares.py has this and what follows)."""
    OFFER = 17
    """Verdicts on what we offer."""
    TAKE = 18
    """What is offered, and the shares that are wanted."""
    STRIPES = 19
    """Which shares of stripes are held."""
    RELEASE = 20
    """How many records a release let go of."""
    AUDIT = 21
    """Leaves of shares (share_audit.py)."""
