"""First packets to addresses that others told us about.

Whoever hands out contacts could aim many nodes at one victim. So an address that has not answered
gets one packet a minute from us whatever it is called, and few such packets are out at a time
(section 6). A node on a loopback or private address has its whole network behind a few addresses;
towards those it is free of the limit per address, not of the limit in all.
"""

from dave.limits import STRANGER_SECONDS, STRANGERS_OUTSTANDING_MAX
from dave.names import SECOND, Address, Instant
from dave.peers.subnets import is_private


class Strangers:
    """Unanswered first packets, at most STRANGERS_OUTSTANDING_MAX of them.

    `at_home` says whether this node is itself on a loopback or private address; it may be set when
    the node learns its own address.
    """

    __slots__ = ("_sent", "at_home")

    def __init__(self, at_home: bool) -> None:
        self.at_home = at_home
        # Oldest first, since a packet that is sent again moves to the end.
        self._sent: dict[Address, Instant] = {}

    def allow(self, address: Address, now: Instant) -> bool:
        """Whether a first packet may go to `address` now; if so, it counts as sent."""
        self._expire(now)
        # Port 0 is nobody's: it stands for the host, and cannot be mistaken for an address.
        whom = (address[0], 0)
        if self.at_home and is_private(address[0]):
            whom = address
            self._sent.pop(whom, None)
        if whom in self._sent or len(self._sent) >= STRANGERS_OUTSTANDING_MAX:
            return False
        self._sent[whom] = now
        return True

    def answered(self, address: Address) -> None:
        """`address` has answered: it is no stranger any more, its packets are not limited here."""
        self._sent.pop(address, None)
        self._sent.pop((address[0], 0), None)

    def __len__(self) -> int:
        """Packets unanswered, some of which may have lapsed."""
        return len(self._sent)

    def _expire(self, now: Instant) -> None:
        lapsed = now - STRANGER_SECONDS * SECOND
        while self._sent:
            oldest = next(iter(self._sent))
            if self._sent[oldest] > lapsed:
                return
            del self._sent[oldest]
