"""A bounds-checked reader over bytes: each read either has all its bytes or raises WireError.

`done()` demands exact consumption, so that no decoder can overlook trailing bytes. Addresses are
written the same way in every packet, message and record, so their codec is here too:

    family 1 (4 or 6) | IP address 4 or 16 | port 2
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from dave.errors import WireError
from dave.limits import HOSTS_CACHED
from dave.names import Address

ADDRESS_BYTES_MAX = 19


class Reader:
    """Reads fields of `data` in order from `offset`."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        end = self.offset + n
        if end > len(self.data):
            raise WireError(f"{end - len(self.data)} bytes missing")
        part = self.data[self.offset : end]
        self.offset = end
        return part

    def uint(self, n: int) -> int:
        """The next n bytes as a little-endian integer."""
        return int.from_bytes(self.take(n), "little")

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.data) - self.offset)

    def address(self) -> Address:
        """The next address; an IPv4 address wrapped into IPv6 is refused (two encodings)."""
        family = self.uint(1)
        if family not in (4, 6):
            raise WireError(f"address family {family}")
        host = _host(self.take(4 if family == 4 else 16))
        return host, self.uint(2)

    def done(self) -> None:
        """Raise WireError if anything is left."""
        if self.offset != len(self.data):
            raise WireError(f"{len(self.data) - self.offset} trailing bytes")


def encode_address(address: Address) -> bytes:
    """Encode (host, port); host is an IP literal without scope."""
    return _packed(address[0]) + address[1].to_bytes(2, "little")


# The same few hosts come up again and again, twenty in each list of contacts, and to read one as
# text and back costs more than all the rest of such a message.


@lru_cache(HOSTS_CACHED)
def _host(packed: bytes) -> str:
    """An IP literal from its 4 or 16 bytes."""
    if len(packed) == 4:
        return str(IPv4Address(packed))
    ip = IPv6Address(packed)
    if ip.ipv4_mapped is not None:
        raise WireError("an IPv4 address wrapped into IPv6")
    return str(ip)


@lru_cache(HOSTS_CACHED)
def _packed(host: str) -> bytes:
    """Family and bytes of an IP literal."""
    ip = ip_address(host.partition("%")[0])
    return bytes((ip.version,)) + ip.packed


def expect_size(data: bytes, size: int) -> None:
    """Raises WireError unless a message has exactly `size` bytes."""
    if len(data) != size:
        raise WireError(f"the message has {len(data)} bytes, not {size}")
