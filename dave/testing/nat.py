"""A port-restricted cone NAT (RFC 3489, section 5), the kind that most homes have.

What a host behind it sends appears to come from one fixed address. A datagram from outside passes
only if the host itself wrote to that very address and port a short time ago; what comes in does not
keep the way open (RFC 4787, section 4.3, asks for two minutes at least; real ones take less).
"""

from dave.names import SECOND, Address, Instant

MAPPING_SECONDS = 60
_SWEEP_AT = 256
"""Addresses remembered before those that have lapsed are swept out."""


class Nat:
    """The box in front of one host."""

    __slots__ = ("_sent", "refused")

    def __init__(self) -> None:
        self._sent: dict[Address, Instant] = {}
        self.refused = 0
        """Datagrams that were not let in."""

    def sends(self, to: Address, now: Instant) -> None:
        """The host behind it sends to `to`."""
        sent = self._sent
        sent[to] = now
        if len(sent) > _SWEEP_AT and len(sent) & (_SWEEP_AT - 1) == 1:
            lapsed = now - MAPPING_SECONDS * SECOND
            self._sent = {address: at for address, at in sent.items() if at >= lapsed}

    def admits(self, source: Address, now: Instant) -> bool:
        """Whether a datagram from `source` passes; counted if it does not."""
        sent = self._sent.get(source)
        if sent is not None and now - sent <= MAPPING_SECONDS * SECOND:
            return True
        self.refused += 1
        return False
