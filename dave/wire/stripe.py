"""The record of a stripe, and what takes it back (DESIGN section 9).

A stripe is up to k blocks of ciphertext and n - k shares of parity. Whoever holds a share keeps the
record beside it: it says what belongs together, whose it is, until when, and that it is paid for.

    record   nonce 8 | signature 64 | flags 1 | time 8 | TTL 4 | owner 32 | reference 16 | k 1 | n 1
             | share bytes 4 | last bytes 4 | n addresses of 32        integers little-endian
    release  signature 64 | time 8 | owner 32 | reference 16

Everything from the flags on is signed, after a tag and the network's id; in a release, everything
after the signature. A release drops all records with that owner and reference, for good.

Shares 0 to k - 1 are the data, the rest parity. All have `share_bytes` but number k - 1. Two shares
of a stripe may have one address: equal blocks have, and copies (k = 1).
"""

from struct import Struct
from typing import NamedTuple

from dave.crypto import hashes
from dave.crypto.network import Network
from dave.crypto.work import share_work
from dave.errors import WireError
from dave.limits import OWNER_BYTES, SIGNATURE_BYTES, TTL_SECONDS_MAX, WORK_NONCE_BYTES
from dave.names import HybridTime, Owner, Place, UnixMs, hybrid_ms
from dave.share_limits import (
    BLOCK_BYTES,
    BLOCK_KEY_BYTES,
    CODE_SHARES_MAX,
    REFERENCE_BYTES,
    RELEASE_BYTES,
    ROW_HEADER_BYTES,
    SHARE_ADDRESS_BYTES,
    SHARE_COST_BYTES_MIN,
    STRIPE_HEADER_BYTES,
)

_SIGNED_OFFSET = WORK_NONCE_BYTES + SIGNATURE_BYTES
_SHAPE_OFFSET = STRIPE_HEADER_BYTES - 10
"""k 1, n 1, share bytes 4, last bytes 4; the addresses follow."""

_record = Struct(f"<8s64sBQI{OWNER_BYTES}s{REFERENCE_BYTES}sBBII")
_read_record = Struct(f"<72xBQI{OWNER_BYTES}s{REFERENCE_BYTES}sBBII").unpack_from
_release = Struct(f"<64sQ{OWNER_BYTES}s{REFERENCE_BYTES}s")
assert _record.size == STRIPE_HEADER_BYTES
assert _release.size == RELEASE_BYTES


def check_shape(k: int, n: int, share_bytes: int, last_bytes: int) -> None:
    """Raise WireError for numbers that make no stripe: 1 <= k <= n <= 24, and
    1 <= last bytes <= share bytes <= 256 KiB, equal where there is one block."""
    if not 1 <= k <= n <= CODE_SHARES_MAX:
        raise WireError(f"no stripe has {k} of {n} shares")
    if not 1 <= last_bytes <= share_bytes <= BLOCK_BYTES or (k == 1 and last_bytes < share_bytes):
        raise WireError("the sizes of the shares are out of range")


def share_cost(size: int) -> int:
    """What a share of so many bytes costs in work, and of a node's capacity, in bytes."""
    return max(size, SHARE_COST_BYTES_MIN)


class Shape(NamedTuple):
    """The numbers of a stripe: of its record, and of its row in a manifest."""

    k: int
    """Shares that suffice; the first k are the data."""
    n: int
    """All shares, at most 24."""
    share_bytes: int
    """Bytes of every share but number k - 1."""
    last_bytes: int
    """Bytes of share k - 1, which is padded with zeros for coding only."""

    def size(self, number: int) -> int:
        """Bytes of share `number`, below n."""
        return self.last_bytes if number == self.k - 1 else self.share_bytes

    @property
    def row_bytes(self) -> int:
        """Of the row in a manifest (manifest.py)."""
        return ROW_HEADER_BYTES + self.n * SHARE_ADDRESS_BYTES + self.k * BLOCK_KEY_BYTES

    @property
    def plain_bytes(self) -> int:
        """Of the k blocks."""
        return (self.k - 1) * self.share_bytes + self.last_bytes

    @property
    def total_bytes(self) -> int:
        """Of the n shares."""
        return (self.n - 1) * self.share_bytes + self.last_bytes

    @property
    def paid_bytes(self) -> int:
        """What is paid for. That small shares count more keeps them from being the cheap way to
        fill nodes, and to outrank what paid for its bytes."""
        return (self.n - 1) * share_cost(self.share_bytes) + share_cost(self.last_bytes)


class StripeRecord:
    """A structurally valid record. Neither signature nor stamp is checked by construction.

    Raises WireError unless the bytes are exactly one record: no flags, TTL of 1 second to 366 days,
    1 <= k <= n <= 24, sizes of 1 byte to 256 KiB.
    """

    __slots__ = (
        "data", "k", "last_bytes", "n", "owner", "reference", "share_bytes", "time", "ttl",
    )  # fmt: skip

    data: bytes
    """The encoding, whole."""
    time: HybridTime
    """When the owner wrote it."""
    ttl: int
    """Lifetime in seconds from `time`."""
    owner: Owner
    """Ed25519 public key, 32 bytes."""
    reference: bytes
    """Which upload of the owner it belongs to, 16 bytes."""
    k: int
    n: int
    share_bytes: int
    last_bytes: int
    """As in `shape`."""

    def __init__(self, data: bytes) -> None:
        size = len(data)
        if size < STRIPE_HEADER_BYTES:
            raise WireError(f"a stripe record has more than {size} bytes")
        (
            flags, self.time, self.ttl, self.owner, self.reference, self.k, self.n,
            self.share_bytes, self.last_bytes,
        ) = _read_record(data)  # fmt: skip
        if flags:
            raise WireError("unknown flags of a stripe record")
        if not 0 < self.ttl <= TTL_SECONDS_MAX:
            raise WireError("the TTL of a stripe record is out of range")
        check_shape(self.k, self.n, self.share_bytes, self.last_bytes)
        if size != STRIPE_HEADER_BYTES + self.n * SHARE_ADDRESS_BYTES:
            raise WireError("a stripe record has one address a share")
        self.data = data

    @property
    def nonce(self) -> bytes:
        """Work nonce, 8 bytes."""
        return self.data[:WORK_NONCE_BYTES]

    @property
    def signature(self) -> bytes:
        """Ed25519 signature, 64 bytes."""
        return self.data[WORK_NONCE_BYTES:_SIGNED_OFFSET]

    @property
    def expires_ms(self) -> UnixMs:
        """When the record is gone, in Unix milliseconds."""
        return hybrid_ms(self.time) + self.ttl * 1000

    @property
    def addresses(self) -> tuple[bytes, ...]:
        """Of all shares in order, 32 bytes each. Cut anew at each call."""
        return tuple(self.address(number) for number in range(self.n))

    def address(self, number: int) -> bytes:
        """Of share `number`, below n."""
        assert 0 <= number < self.n
        start = STRIPE_HEADER_BYTES + number * SHARE_ADDRESS_BYTES
        return self.data[start : start + SHARE_ADDRESS_BYTES]

    @property
    def shape(self) -> Shape:
        """The numbers of the stripe. Made anew at each call."""
        return Shape(self.k, self.n, self.share_bytes, self.last_bytes)

    def size(self, number: int) -> int:
        """Bytes of share `number`, below n."""
        return self.shape.size(number)

    @property
    def work(self) -> int:
        """Expected hashes that a stamp must be good for, in a network that asks any."""
        return share_work(self.shape.paid_bytes, self.ttl)

    @property
    def stripe_id(self) -> bytes:
        """32 bytes; the same for whoever stores these shares. Computed anew at each call."""
        return hashes.stripe_id(self.data[_SHAPE_OFFSET:])

    def signed_bytes(self, network: Network) -> bytes:
        """What the owner signs: tag, network id, and all from the flags on."""
        return hashes.SIGNED_STRIPE_TAG + network.id + self.data[_SIGNED_OFFSET:]

    def digest(self, network: Network) -> bytes:
        """Name of this record, 32 bytes; independent of signature and nonce."""
        return hashes.entry_digest(self.signed_bytes(network))

    def with_proofs(self, signature: bytes, nonce: bytes) -> "StripeRecord":
        """The same record under another signature (64 bytes) and nonce (8 bytes)."""
        return StripeRecord(nonce + signature + self.data[_SIGNED_OFFSET:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StripeRecord) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"StripeRecord({self.k}/{self.n}, {self.shape.total_bytes} bytes)"


def encode_record(
    owner: Owner,
    reference: bytes,
    time: HybridTime,
    ttl: int,
    shape: tuple[int, int, int, int],
    addresses: bytes,
    signature: bytes = bytes(64),
    nonce: bytes = bytes(8),
) -> bytes:
    """Encode a record's fields. `shape` is k, n, share bytes, last bytes; `addresses` are joined.
    What is out of range is found by `StripeRecord`."""
    head = _record.pack(nonce, signature, 0, time, ttl, owner, reference, *shape)
    return head + addresses


def place_of_stripe(stripe_id: bytes) -> Place:
    """Where a stripe stands on the ring: the first 8 bytes of its id, big-endian. Share i goes to
    the i-th nearest node."""
    return int.from_bytes(stripe_id[:8], "big")


class Release:
    """An owner's word that an upload is needed no more. The signature is not checked by
    construction. Raises WireError unless there are exactly 120 bytes."""

    __slots__ = ("data", "owner", "reference", "time")

    data: bytes
    """The encoding, whole."""
    time: HybridTime
    """When the owner wrote it."""
    owner: Owner
    """Ed25519 public key, 32 bytes."""
    reference: bytes
    """The upload, 16 bytes."""

    def __init__(self, data: bytes) -> None:
        if len(data) != RELEASE_BYTES:
            raise WireError(f"a release has {RELEASE_BYTES} bytes, not {len(data)}")
        _, self.time, self.owner, self.reference = _release.unpack(data)
        self.data = data

    @property
    def signature(self) -> bytes:
        """Ed25519 signature, 64 bytes."""
        return self.data[:SIGNATURE_BYTES]

    def signed_bytes(self, network: Network) -> bytes:
        """What the owner signs: tag, network id, and all after the signature."""
        return hashes.SIGNED_RELEASE_TAG + network.id + self.data[SIGNATURE_BYTES:]

    def with_signature(self, signature: bytes) -> "Release":
        """The same release under another signature (64 bytes)."""
        return Release(signature + self.data[SIGNATURE_BYTES:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Release) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"Release({self.reference.hex()[:8]}…)"


def encode_release(
    owner: Owner, reference: bytes, time: HybridTime, signature: bytes = bytes(64)
) -> bytes:
    """Encode a release's fields: owner 32 bytes, reference 16 bytes."""
    return _release.pack(signature, time, owner, reference)
