"""What a node says to its local network: somebody of a network is here, at this port.

    version 1 | type 6 | port 2 | random 16 | tag 16

The tag is keyed with the network's key over the rest, so that a network neither hears nor shows
itself to another: without the key one beacon looks like any other. It proves nothing about who
sent it, and needs not: a node that is found so is asked like any stranger.
"""

from hmac import compare_digest
from struct import Struct
from typing import NamedTuple, Self

from dave.crypto import hashes
from dave.errors import WireError
from dave.limits import BEACON_BYTES, BEACON_TYPE, PROTOCOL_VERSION

_BEACON = Struct("<BBH16s16s")
assert _BEACON.size == BEACON_BYTES


class Beacon(NamedTuple):
    """A node listens on `port` of the address that the datagram comes from."""

    port: int
    """1 to 65535."""
    random: bytes
    """16 bytes, drawn for each beacon: by them its sender knows its own."""
    tag: bytes
    """16 bytes, see `made_in`."""

    @classmethod
    def make(cls, port: int, random: bytes, network_key: bytes) -> Self:
        """A beacon of the network with that key; `random` is 16 fresh bytes."""
        return cls(port, random, hashes.beacon_tag(network_key, port, random))

    def made_in(self, network_key: bytes) -> bool:
        """Whether it was made by somebody of the network with that key."""
        return compare_digest(self.tag, hashes.beacon_tag(network_key, self.port, self.random))

    def encode(self) -> bytes:
        """The datagram: 36 bytes."""
        return _BEACON.pack(PROTOCOL_VERSION, BEACON_TYPE, *self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises WireError unless the bytes are exactly one beacon."""
        if len(data) != BEACON_BYTES:
            raise WireError(f"a beacon has {BEACON_BYTES} bytes, not {len(data)}")
        version, kind, port, random, tag = _BEACON.unpack(data)
        if (version, kind) != (PROTOCOL_VERSION, BEACON_TYPE):
            raise WireError("no beacon of this version")
        if not port:
            raise WireError("a beacon names a port above 0")
        return cls(port, random, tag)
