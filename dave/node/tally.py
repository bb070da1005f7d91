"""What a core has done on its own account, counted: its operations, and its handshakes."""

from dave.histogram import Histogram
from dave.session.session import FailReason


class Tally:
    """Of one core, since it was made."""

    __slots__ = ("accepted", "connected", "failed", "get_time", "gets", "hashes", "put_time",
                 "puts")  # fmt: skip

    def __init__(self) -> None:
        self.gets = [0, 0, 0]
        """Gets that have ended, by results.Found."""
        self.get_time = Histogram()
        """What each of them took."""
        self.puts = [0, 0]
        """Puts that have ended: below quorum, at quorum."""
        self.put_time = Histogram()
        """What each of them took until then."""
        self.hashes = 0
        """Tried in searches for stamps."""
        self.connected = 0
        """Handshakes begun here that led to a session, rekeys too."""
        self.accepted = 0
        """Handshakes begun by others that led to a confirmed session."""
        self.failed = [0] * len(FailReason)
        """Handshakes begun here that did not, by FailReason."""
