"""First packets to addresses that others told us about.

Whoever hands out contacts could aim many nodes at one victim. So an address that has not answered
gets one packet a minute from us whatever it is called, and few such packets are out at a time
(section 6). A node on a loopback or private address has its whole network behind a few addresses;
towards those it is free of the limit per address, not of the limit in all.
"""

from typing import Any

from dave.limits import (
    STRANGER_OUTSTANDING_SECONDS,
    STRANGER_SECONDS,
    STRANGERS_OUTSTANDING_MAX,
    STRANGERS_REMEMBERED_MAX,
)
from dave.names import SECOND, Address, Instant
from dave.peers.subnets import is_private


class Strangers:
    """Unanswered first packets, at most STRANGERS_OUTSTANDING_MAX of them.

    `at_home` says whether this node is itself on a loopback or private address; it may be set when
    the node learns its own address.
    """

    __slots__ = ("_outstanding", "_sent", "at_home")

    def __init__(self, at_home: bool) -> None:
        self.at_home = at_home
        # Both oldest first. A host is remembered for a minute, whatever became of the packet. The
        # packet counts as outstanding for 6 s, so that dead contacts, which anybody can name, hold
        # up newcomers no longer than that, and we send strangers some 10 packets a second at most.
        self._sent: dict[str, Instant] = {}
        self._outstanding: dict[Address, Instant] = {}

    def allow(self, address: Address, now: Instant) -> bool:
        """Whether a first packet may go to `address` now; if so, it counts as sent."""
        _expire(self._sent, now - STRANGER_SECONDS * SECOND)
        _expire(self._outstanding, now - STRANGER_OUTSTANDING_SECONDS * SECOND)
        if len(self._outstanding) >= STRANGERS_OUTSTANDING_MAX:
            return False
        if not (self.at_home and is_private(address[0])):
            if address[0] in self._sent or len(self._sent) >= STRANGERS_REMEMBERED_MAX:
                return False
            self._sent[address[0]] = now
        self._outstanding.pop(address, None)
        self._outstanding[address] = now
        return True

    def answered(self, address: Address) -> None:
        """`address` has answered: it is no stranger any more, its packets are not limited here."""
        self._outstanding.pop(address, None)
        self._sent.pop(address[0], None)

    def __len__(self) -> int:
        """Packets outstanding, some of which may have lapsed."""
        return len(self._outstanding)


def _expire(times: dict[Any, Instant], lapsed: Instant) -> None:
    while times:
        oldest = next(iter(times))
        if times[oldest] > lapsed:
            return
        del times[oldest]
