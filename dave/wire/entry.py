"""An entry: what an owner signs, stamps and hands to the network.

    nonce 8 | signature 64 | flags 1 | time 8 | TTL 4 | value length 2 | owner 32 | key length 1
    | key | value                                       integers little-endian, 120 bytes + n

Everything from the flags on is signed, after the domain tag and the network's id. Nonce and
signature stay outside the digest, since there can be many of them for one version.

`Entry` is a checked view over those bytes: the constructor validates and reads in one struct call
the fields that every PUT needs (a property costs as much as three attributes), and encoding a
received entry returns the bytes it came in. Stores keep only `data`.
"""

from struct import Struct

from dave.crypto import hashes
from dave.crypto.network import Network
from dave.errors import EntryError, WireError
from dave.limits import (
    ENTRY_BYTES_MAX,
    ENTRY_HEADER_BYTES,
    KEY_AND_VALUE_BYTES_MAX,
    KEY_BYTES_MAX,
    TOMBSTONE_TTL_SECONDS,
    TTL_SECONDS_MAX,
)
from dave.names import EntryId, HybridTime, Owner, UnixMs
from dave.share_limits import SEAL_BYTES

TOMBSTONE = 0x01
"""A flag: the entry retracts its key."""
COMPRESSED = 0x02
"""A flag: the value is to be inflated by whoever reads it (compression.py)."""
BLOB = 0x04
"""A flag: the value is the root of a file's manifest (manifest.py), not the content itself."""
PRIVATE = 0x08
"""A flag: the value is sealed; under the seal it is what the other flags say."""

VALUE_FLAGS = frozenset((COMPRESSED, BLOB, PRIVATE, PRIVATE | COMPRESSED, PRIVATE | BLOB))
"""Flags of an entry that has a value. A root is hashes and keys, which do not compress."""

SIGNED_OFFSET = 72

_HEADER = Struct("<8s64sBQIH32sB")
_pack_header = _HEADER.pack
_read_header = Struct("<8x64sBQIH32sB").unpack_from
assert _HEADER.size == ENTRY_HEADER_BYTES


class Entry:
    """A structurally valid entry. Neither signature nor stamp is checked by construction.

    Raises WireError unless the bytes are exactly one entry: known flags, key of 1 to 255 bytes,
    TTL of 1 second to 366 days, at most 1360 bytes; a tombstone has no value and the longest TTL,
    a compressed value or a root is not empty, a private one is as long as a seal at least.
    """

    __slots__ = ("_key_end", "data", "flags", "key", "owner", "signature", "time", "ttl")

    data: bytes
    """The encoding, whole."""
    flags: int
    """0, TOMBSTONE, or one of VALUE_FLAGS."""
    time: HybridTime
    """When the owner wrote it: the version's rank in the order of versions."""
    ttl: int
    """Lifetime in seconds from `time`."""
    owner: Owner
    """Ed25519 public key, 32 bytes."""
    key: bytes
    """The name under which its owner put it; 1 to 255 bytes."""
    signature: bytes
    """Ed25519 signature, 64 bytes."""

    def __init__(self, data: bytes) -> None:
        size = len(data)
        if not ENTRY_HEADER_BYTES < size <= ENTRY_BYTES_MAX:
            raise WireError(f"an entry has 121 to {ENTRY_BYTES_MAX} bytes, not {size}")
        self.signature, flags, self.time, ttl, value_length, self.owner, key_length = _read_header(
            data
        )
        key_end = ENTRY_HEADER_BYTES + key_length
        if not key_length or key_end + value_length != size:
            raise WireError("the entry's lengths do not add up")
        if not 0 < ttl <= TTL_SECONDS_MAX:
            raise WireError("the entry's TTL is out of range")
        if flags == TOMBSTONE:
            if value_length or ttl != TOMBSTONE_TTL_SECONDS:
                raise WireError("a tombstone with a value or a TTL of its own")
        elif flags and (
            flags not in VALUE_FLAGS or value_length < (SEAL_BYTES if flags & PRIVATE else 1)
        ):
            raise WireError("unknown flags, or a value too short for them")
        self.data = data
        self.flags = flags
        self.ttl = ttl
        self.key = data[ENTRY_HEADER_BYTES:key_end]
        self._key_end = key_end

    @property
    def nonce(self) -> bytes:
        """Work nonce, 8 bytes."""
        return self.data[0:8]

    @property
    def is_tombstone(self) -> bool:
        """Whether the entry retracts its key."""
        return self.flags == TOMBSTONE

    @property
    def is_compressed(self) -> bool:
        """Whether the value is to be inflated by whoever reads it."""
        return self.flags & COMPRESSED != 0

    @property
    def is_blob(self) -> bool:
        """Whether the value is the root of a file's manifest."""
        return self.flags & BLOB != 0

    @property
    def is_private(self) -> bool:
        """Whether the value is sealed."""
        return self.flags & PRIVATE != 0

    @property
    def value(self) -> bytes:
        """What the owner stored, in the form that the flags say."""
        return self.data[self._key_end :]

    @property
    def expires_ms(self) -> UnixMs:
        """When the entry is gone, in Unix milliseconds."""
        return (self.time >> 16) + self.ttl * 1000

    @property
    def id(self) -> EntryId:
        """Identity: a hash of owner and key, 32 bytes. Computed anew at each call."""
        return hashes.entry_id(self.data[87 : self._key_end])

    def signed_bytes(self, network: Network) -> bytes:
        """What the owner signs: domain tag, network id, and all from the flags on."""
        return network.signed_prefix + self.data[SIGNED_OFFSET:]

    def digest(self, network: Network) -> bytes:
        """Name of this version, 32 bytes; independent of signature and nonce."""
        return hashes.entry_digest(self.signed_bytes(network))

    def with_proofs(self, signature: bytes, nonce: bytes) -> "Entry":
        """The same version under another signature (64 bytes) and nonce (8 bytes)."""
        return Entry(nonce + signature + self.data[SIGNED_OFFSET:])

    def same_version(self, data: bytes) -> bool:
        """Whether the encoding `data` carries the same signed bytes, so the same digest."""
        return self.data[SIGNED_OFFSET:] == data[SIGNED_OFFSET:]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"Entry(owner={self.owner.hex()[:8]}…, key={self.key!r}, {len(self.data)} bytes)"


def encode(
    owner: Owner,
    key: bytes,
    value: bytes,
    time: HybridTime,
    ttl: int,
    flags: int = 0,
    signature: bytes = bytes(64),
    nonce: bytes = bytes(8),
) -> bytes:
    """Encode an entry's fields; `ttl` in seconds. What is out of range is found by `Entry`, or
    named for a caller by `check_fields`; call one of them."""
    return (
        _pack_header(nonce, signature, flags, time, ttl, len(value), owner, len(key)) + key + value
    )


def order(entry: Entry, network: Network) -> tuple[HybridTime, bool, bytes]:
    """The total order of versions: the larger wins at every replica (section 4)."""
    return entry.time, entry.is_tombstone, entry.digest(network)


def check_fields(key: bytes, value: bytes, ttl: int) -> None:
    """Raise EntryError, naming the limit, for fields that make no entry."""
    if not key:
        raise EntryError("the key is empty; a key has 1 to 255 bytes")
    if len(key) > KEY_BYTES_MAX:
        raise EntryError(f"the key has {len(key)} bytes; a key has 1 to {KEY_BYTES_MAX}")
    if not isinstance(ttl, int):
        raise EntryError(f"the TTL is a whole number of seconds, not {ttl!r}")
    if not 1 <= ttl <= TTL_SECONDS_MAX:
        raise EntryError(f"the TTL is {ttl} s; it must be 1 s to {TTL_SECONDS_MAX} s (366 days)")
    room = KEY_AND_VALUE_BYTES_MAX - len(key)
    if len(value) > room:
        raise EntryError(
            f"the value has {len(value)} bytes; with a key of {len(key)} bytes the limit is {room}"
        )


def check_put(key: bytes, value: bytes, ttl: int, compressed: bytes | None = None) -> None:
    """Raise EntryError, naming the limit, for what an application cannot put.

    compressed: what stands for `value` (as it is read) in the entry, where it is not itself.
    """
    if key[:1] == b"\0":
        raise EntryError(
            "a key that begins with a zero byte is one of Dave's own (the directory's): begin it "
            "with another"
        )
    try:
        check_fields(key, value if compressed is None else compressed, ttl)
    except EntryError as error:
        if compressed is not None and len(compressed) > KEY_AND_VALUE_BYTES_MAX - len(key):
            raise EntryError(f"{error} (that is compressed, from {len(value)})") from None
        raise
